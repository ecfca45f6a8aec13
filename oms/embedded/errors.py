"""The one way in which the embedded servers fail."""


class EmbeddedError(RuntimeError):
    """A server program is missing, or it did not start; the message is for the person at the terminal."""
