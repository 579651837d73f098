"""What is wrong with a file of a model, before anything of it is converted."""

from drift_ml.converters import ConversionError


class FileRefused(ConversionError):
    """A file that is no model of a form that is read, or that would harm its reader."""

    def __init__(
        self,
        place: str,
        reason: str,
        way_out: str,
    ) -> None:
        #: The file's name, with the byte or the entry where it is one of these.
        self.place = place
        #: What is wrong there.
        self.reason = reason
        #: What to do instead.
        self.way_out = way_out
        super().__init__(f"{place}: {reason}; {way_out}")


class Broken(Exception):
    """A place in a file that cannot be read on; it becomes a FileRefused where its name is known.

    The message is the reason. It never holds a value of the file.
    """
