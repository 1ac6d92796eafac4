"""What can be wrong with a shot, a model or a run, each as a small class with a stable code and a remedy."""

from __future__ import annotations


class GenerationError(Exception):
    """Base of every refusal: a lasting `code`, a `message` saying what is wrong, a `hint` saying what is right."""

    code = "generation_error"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PromptEmpty(GenerationError):
    """The prompt holds nothing but white space."""

    code = "prompt_empty"


class PromptTooLong(GenerationError):
    """The prompt has more characters or tokens than the model reads; it is refused, never cut."""

    code = "prompt_too_long"


class TextUnusable(GenerationError):
    """The text holds characters that no text encoder or file can carry, such as NUL or half a surrogate pair."""

    code = "text_unusable"


class SizeImpossible(GenerationError):
    """The delivery raster is outside what can be made."""

    code = "size_impossible"


class DurationImpossible(GenerationError):
    """The duration or frame rate is outside what the model can make."""

    code = "duration_impossible"


class SettingImpossible(GenerationError):
    """The seed, the number of steps or the guidance is outside its range."""

    code = "setting_impossible"


class ModelNotFound(GenerationError):
    """No checkpoint is at the given path or under the given name."""

    code = "model_not_found"


class NotAPipeline(GenerationError):
    """The folder is no diffusers video pipeline that can be loaded safely."""

    code = "not_a_pipeline"


class DeviceUnavailable(GenerationError):
    """The device asked for is not there."""

    code = "device_unavailable"


class GenerationStopped(GenerationError):
    """The caller asked to stop; nothing was delivered."""

    code = "generation_stopped"


class OutOfMemory(GenerationError):
    """The device or the machine ran out of memory."""

    code = "out_of_memory"
