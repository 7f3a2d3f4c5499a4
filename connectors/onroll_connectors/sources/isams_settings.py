"""What a school says of its Batch key, and of what iSAMS does not publish."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onroll_connectors.http import only_here, safe_endpoint
from onroll_connectors.secrets import Secret
from onroll_connectors.sources.isams_rows import NOT_COMING


class Settings(BaseModel):
    """The keys of [school.source] for route = "isams"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str = Field(description="the school's iSAMS: https://SCHOOL.isams.cloud (Ed:gen: its own address)")
    api_key: Secret | None = Field(None, description="a Batch API key: env:NAME, file:PATH or credential:NAME")
    client_id: str | None = Field(None, description="of a secured Batch key, in place of api_key")
    client_secret: Secret | None = Field(None, description="of a secured Batch key")
    token: Secret | None = Field(None, description="in place of a key, for a simulator on this machine alone")
    scope: str = Field("apiv1", description="what a secured key signs in for")
    format: Literal["xml", "json"] = Field("xml", description="of the document")
    applicants: bool = Field(True, description="read future pupils (Pupil_GetApplicants, which a key need not have)")
    alumni: bool = Field(True, description="read leavers (Pupil_GetAlumni, which a key need not have)")
    sets: bool = Field(True, description="read teaching sets and who is in them")
    applicants_node: str = Field(
        "Applicants", description="the node below PupilManager that holds applicants (not published)"
    )
    alumni_node: str = Field("Alumni", description="the node below PupilManager that holds leavers (not published)")
    status_field: str = Field("AdmissionStatus", description="what says that an applicant is accepted (not published)")
    accepted: list[str] = Field(
        ["Accepted"], description="the admission statuses, in the school's own words, of pupils who will come"
    )
    not_coming: list[str] = Field(
        list(NOT_COMING),
        description="the admission statuses of those who do not, or not yet; one in neither list ends the read",
    )
    future_year_field: str = Field(
        "EnrolmentSchoolYearGroup", description="the year group in which an applicant will start (not published)"
    )
    leaving_field: str = Field("LeavingDate", description="the last day of a leaver (not published)")
    admission_number: str = Field("SchoolCode", description="the field that is the school's admission number")
    staff_code: str = Field("Initials", description="the field of staff that is their code")
    dates_of_birth: bool = Field(False, description="read dates of birth, for linking")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        safe_endpoint(self.endpoint)
        only_here(self.token, self.endpoint, "iSAMS takes api_key")
        keys = [self.api_key is not None, self.client_id is not None, self.token is not None]
        if sum(keys) != 1:
            raise ValueError("api_key: say one of api_key, or client_id with client_secret")
        if (self.client_id is None) is not (self.client_secret is None):
            raise ValueError("client_secret: a secured key has client_id and client_secret")
        return self
