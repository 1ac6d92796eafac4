# Slate: make run · make test · make bench · make lint · make draft
SHELL := /bin/bash
PORT ?= 8000
HOST ?= 127.0.0.1
VENV ?= .venv
PYTHON ?= python3
PY := $(VENV)/bin/python
STAMP := $(VENV)/.requirements-installed

.PHONY: run test test-slow bench bench-quick bench-rivals lint draft install clean
.DEFAULT_GOAL := run

install: $(STAMP)

# Installed anew whenever the pins change; a half-finished install leaves no stamp and is repeated.
$(STAMP): requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "Slate needs Python 3.11 or newer: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Slate needs Python 3.11 or newer; this is $$($(PYTHON) -V)"; exit 1; }
	@test -x "$(PY)" || $(PYTHON) -m venv "$(VENV)" 2>/dev/null || { \
		rm -rf "$(VENV)"; \
		echo "This Python cannot make virtual environments; installing python3-venv ..."; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get install -y -qq python3-venv >/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; }; \
			$(PYTHON) -m venv "$(VENV)"; \
		else echo "Run: sudo apt install python3-venv"; exit 1; fi; }
	@echo "Installing the requirements into $(VENV) (about 2 GB, a few minutes the first time) ..."
	"$(PY)" -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch "$(STAMP)"

run: install
	@exec "$(PY)" manage.py serve --host "$(HOST)" --port "$(PORT)"

# The ordinary suite; test-slow adds what drives a browser, kills processes or feeds garbage.
test: install
	"$(PY)" -m pytest -m "not browser and not chaos and not fuzz"

test-slow: install
	"$(PY)" -m pytest -m "browser or chaos or fuzz"

bench: install bench-rivals
	"$(PY)" benchmarks/pipeline.py
	"$(PY)" benchmarks/audio_watermark.py
	"$(PY)" benchmarks/watermark.py --jobs 2
	"$(PY)" benchmarks/fingerprint.py
	"$(PY)" benchmarks/sound.py
	"$(PY)" benchmarks/search.py
	"$(PY)" benchmarks/copies.py --jobs 2

# Five minutes of the watermark's benchmark: enough to see that every row still works.
# A missed target (exit status 1) is a finding in the table, not a broken build; everything else is.
bench-quick: install bench-rivals
	"$(PY)" benchmarks/watermark.py --quick --jobs 2 || [ $$? = 1 ]

# Without what they depend on: one of them asks for a second OpenCV that would overwrite ours.
bench-rivals: install
	@"$(PY)" -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/requirements.txt

LINTERS := ruff==0.17.6 mypy==2.4.1 import-linter==2.16
LINT_STAMP := $(VENV)/.linters-installed

$(LINT_STAMP): $(STAMP) Makefile
	@"$(PY)" -m pip install --quiet --disable-pip-version-check $(LINTERS)
	@touch "$(LINT_STAMP)"

lint: $(LINT_STAMP)
	"$(PY)" -m ruff check .
	"$(PY)" -m ruff format --check .
	"$(PY)" -m mypy generation provenance platform/studio
	PYTHONPATH=.:platform "$(VENV)/bin/lint-imports"

draft: install
	"$(PY)" -m generation.draft.train --resume --minutes 150 --out var/draft
	"$(PY)" -m generation.draft.package var/draft generation/draft/weights

clean:
	rm -rf "$(VENV)"
