"""Word-prefix search over a stored search text: a generated tsvector column and its query, both free of a text parser."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import Func, GeneratedField, QuerySet, Value

from core.text import search_query


def search_column(source: str = "search_text") -> GeneratedField:
    """A stored tsvector of the blank-separated words of `source` (written by core.text.search_words), each word as it stands."""
    return GeneratedField(
        expression=Func(
            Func(source, Value(" "), function="string_to_array"),
            function="array_to_tsvector",
            output_field=SearchVectorField(),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )


class WordPrefixQuery(SearchQuery):
    """A ready tsquery text, cast as it is: no dictionary, no parser, no operator from outside."""

    def as_sql(
        self, compiler: Any, connection: Any, function: Any = None, template: Any = None
    ) -> tuple[str, list[str]]:
        return "%s::tsquery", [self.words]

    def __init__(self, words: str) -> None:
        super().__init__(Value(words))
        self.words = words


def search(queryset: QuerySet[Any], text: str, *, column: str = "search") -> QuerySet[Any]:
    """The rows whose words begin with every word of `text`; a text without letters or digits finds nothing."""
    query = search_query(text)
    return queryset.filter(**{column: WordPrefixQuery(query)}) if query else queryset.none()
