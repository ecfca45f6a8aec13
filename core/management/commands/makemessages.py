"""Django's makemessages with this project's ways: `translate` marks text too, nothing is guessed, and the files stay quiet in diffs.

    ./run manage makemessages -l tr -l pl -l fa

needs the gettext tools; an installation does not (it compiles the catalogues with Babel).
"""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import CommandParser
from django.core.management.commands import makemessages

_RESTLESS = (
    '"POT-Creation-Date:',
    '"PO-Revision-Date:',
    '"Report-Msgid-Bugs-To:',
    '"Last-Translator:',
    '"Language-Team:',
)


class Command(makemessages.Command):
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=translate", "--sort-output"]
    # A guess from a similar text is worse than English: nobody looks at it, and it says something else.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching", "--sort-output"]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(
            no_wrap=True, no_obsolete=True, add_location="file", ignore_patterns=["tests/*", ".oms/*", "docs/*"]
        )

    def write_po_file(self, potfile: str, locale: str) -> None:
        """Merge, then drop the header lines that differ with every run and say nothing."""
        super().write_po_file(potfile, locale)
        for folder in self.locale_paths:
            source = Path(folder) / locale / "LC_MESSAGES" / "django.po"
            if source.exists():
                lines = source.read_text().splitlines(keepends=True)
                source.write_text("".join(line for line in lines if not line.startswith(_RESTLESS)))
