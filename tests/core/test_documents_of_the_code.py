"""Documents that are written from the code say what the code says."""

from oms.management.commands.document_states import PATH, states_document


def test_states_document_is_current():
    assert PATH.read_text() == states_document(), "run ./run manage document_states"
