"""What a maker fills in to ask for a take."""

from typing import Any

from django import forms

from studio.productions.models import Shot
from studio.runs.models import Run
from studio.runs.services import SEED_LIMIT
from studio.text import TextField

PROMPT_LENGTH = 2000


class RunForm(forms.Form):
    prompt = TextField(max_length=PROMPT_LENGTH, label="Prompt", multiline=True)
    seconds = forms.FloatField(label="Seconds", min_value=0.04, max_value=86_400)
    seed = forms.IntegerField(
        label="Seed", required=False, min_value=-SEED_LIMIT, max_value=SEED_LIMIT, help_text="Empty: random"
    )
    negative_prompt = TextField(max_length=PROMPT_LENGTH, label="Leave out", required=False, multiline=True)

    @classmethod
    def for_shot(cls, shot: Shot, *, again: Run | None = None, latest: Run | None = None) -> "RunForm":
        """Filled with the settings of the run to repeat, seed and all; else with the words of the latest one,
        since people work a prompt over from take to take; else with the shot's description."""
        model = again or latest
        if model is None:
            return cls(initial={"prompt": shot.description, "seconds": shot.duration_seconds})
        initial: dict[str, Any] = {
            "prompt": model.prompt,
            "seconds": round(model.duration_seconds, 3),
            "negative_prompt": model.negative_prompt,
        }
        return cls(initial=initial | ({"seed": again.seed} if again else {}))
