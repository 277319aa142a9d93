"""Records are frozen, complete, and keep what is absent apart from everything else."""

import pytest
from pydantic import ValidationError

from mappings.records import ABSENT, NOTHING_SAID, Customer


def test_absent_is_a_value_of_its_own() -> None:
    assert not ABSENT
    assert repr(ABSENT) == "ABSENT"
    assert dict.fromkeys(Customer.model_fields, ABSENT) == dict(NOTHING_SAID)


def test_a_person_called_absent_is_not_absent() -> None:
    fields = dict(NOTHING_SAID) | {"first_name": "absent"}

    assert Customer(**fields).first_name == "absent"


def test_a_forgotten_field_is_an_error() -> None:
    for name in Customer.model_fields:
        fields = {field: ABSENT for field in Customer.model_fields if field != name}
        with pytest.raises(ValidationError, match=name):
            Customer(**fields)


def test_records_are_frozen_and_closed() -> None:
    field = "email"
    with pytest.raises(ValidationError, match="frozen"):
        setattr(NOTHING_SAID, field, None)
    with pytest.raises(ValidationError, match="extra"):
        Customer(**dict(NOTHING_SAID) | {"nickname": "x"})


def test_an_error_of_a_record_shows_no_value() -> None:
    with pytest.raises(ValidationError) as wrong:
        Customer(**dict(NOTHING_SAID) | {"total_orders": "jane@example.com"})
    assert "jane" not in str(wrong.value)
