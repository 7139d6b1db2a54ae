"""Requests generated from the service's own description: none is answered by a fault."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from sbrcli.serve.openapi import OPENAPI

schema = schemathesis.openapi.from_dict(OPENAPI)

# A generated body may be larger than the server allows, which it refuses before reading it.
rejection = schema.config.checks.negative_data_rejection
rejection.expected_statuses = [*rejection.expected_statuses, "413"]


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@pytest.mark.filterwarnings("ignore")
def test_generated_requests_are_answered_as_described(case, served):
    # A session that the run knows nothing of is described as any other, and refused.
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{served.port}", excluded_checks=[positive_data_acceptance]
    )
