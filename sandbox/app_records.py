"""The records of GitHub Apps: their registration, installations, tokens and webhook deliveries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.records import User, iso_now


@dataclass
class AppRecord:
    """A registered GitHub App."""

    id: int
    slug: str
    owner: User
    bot: User
    permissions: dict[str, str]
    events: list[str]
    webhook_url: str
    webhook_secret: str
    client_id: str
    public_key_pem: str
    private_key_pem: str
    setup_url: str = ""  # where GitHub redirects after an installation
    callback_urls: list[str] = field(default_factory=list)  # where whoever authorises it may be sent
    client_secret: str = ""
    created_at: str = field(default_factory=iso_now)


@dataclass
class Installation:
    """An App in an account, with the repositories that it may access."""

    id: int
    app: AppRecord
    account: User
    repositories: list[str]
    permissions: dict[str, str]  # those that its account has accepted
    created_at: str = field(default_factory=iso_now)
    suspended_at: str | None = None


@dataclass
class Delivery:
    """One attempt to deliver a webhook."""

    id: int
    guid: str
    event: str
    action: str | None
    installation: int | None
    repository: int | None
    url: str
    headers: dict[str, str]
    payload: dict[str, Any]
    redelivery: bool
    delivered_at: str = ""
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    response: str = ""
    app: AppRecord | None = None  # of an event of no installation


@dataclass
class Token:
    """What a token allows. `permissions` None: everything that its user may do."""

    user: User
    permissions: dict[str, str] | None
    repositories: frozenset[str] | None
    expires: float | None
    installation: Installation | None = None
    job: bool = False
    authorized_by: AppRecord | None = None  # of a user who authorised this App
