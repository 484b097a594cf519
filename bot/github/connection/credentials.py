"""The App's credentials at rest: sealed in the database, their key in a file beside it.

Whoever gets hold of the database or of a backup of it has nothing without the file, and the other way round. The
file holds one Fernet key a line: the first seals, all open, so that a new first line and a restart change the key.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.domain.errors import BotError
from bot.domain.values import StoredValue
from bot.settings.values import Credentials, Secret, Settings
from bot.storage.keyfiles import read_or_write
from bot.storage.store import Store

KEY_FILE = "credentials.key"
_NAME = "app_credentials"


class Registered(StoredValue, frozen=True):
    """An App that the set-up page registered. `api_url` says at which GitHub."""

    api_url: str
    app_id: int
    slug: str
    html_url: str
    private_key: str
    webhook_secret: str
    client_secret: str = ""

    @property
    def credentials(self) -> Credentials:
        """For the service."""
        return Credentials(
            app_id=self.app_id,
            private_key=Secret(self.private_key),
            webhook_secret=Secret(self.webhook_secret),
            client_secret=Secret(self.client_secret) if self.client_secret else None,
        )

    def __repr__(self) -> str:
        return f"Registered({self.slug}, {self.app_id})"


class Vault:
    """Where the credentials lie; `keys` is the service's folder of keys."""

    def __init__(self, store: Store, keys: Path) -> None:
        self._store = store
        self._file = keys / KEY_FILE

    def save(self, registered: Registered) -> None:
        """Seal it, in place of what was there."""
        self._store.write_note(_NAME, self._read_keys()[0].encrypt(msgspec.json.encode(registered)).decode())

    def find(self, api_url: str) -> Registered | None:
        """What the set-up page registered at the GitHub of `api_url`; None when it did not.

        BotError when it is there and the key is not. While the key file holds several keys, it is encrypted again
        with the first.
        """
        sealed = self._store.read_note(_NAME)
        if not sealed:
            return None
        keys = self._read_keys()
        try:
            found = msgspec.json.decode(MultiFernet(keys).decrypt(sealed), type=Registered)
        except (InvalidToken, msgspec.MsgspecError):
            raise BotError(
                f"the App's credentials in the database cannot be opened with {self._file}: put back the file that "
                "belongs to this database (a backup of one is of no use without the other), or set GITHUB_APP_ID, "
                "GITHUB_APP_PRIVATE_KEY and GITHUB_WEBHOOK_SECRET"
            ) from None
        if found.api_url != api_url:
            raise BotError(
                f"the App was registered at {found.api_url}, and GITHUB_API_URL is {api_url}: set it back, or use "
                "another AIOS_BOT_DATA for the other GitHub"
            )
        if len(keys) > 1:
            self._store.write_note(_NAME, MultiFernet(keys).rotate(sealed).decode())
        return found

    def forget(self) -> None:
        """Remove it."""
        self._store.write_note(_NAME, "")

    def _read_keys(self) -> list[Fernet]:
        """The keys of the file, at least one; made if there is no file."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            keys = [Fernet(key) for key in read_or_write(self._file, Fernet.generate_key() + b"\n").split()]
        except ValueError:
            keys = []
        if not keys:
            raise BotError(f"{self._file} holds something else than keys: put it back from a backup")
        return keys


def find_credentials(settings: Settings, store: Store) -> Credentials | None:
    """The App's credentials: the environment's, else those that the set-up page kept; None when there are none.

    A client secret of the environment goes before the one that was kept: there may be a newer one on GitHub.
    """
    if settings.credentials is not None:
        return settings.credentials
    registered = Vault(store, settings.data / "keys").find(settings.api_url)
    if registered is None or settings.client_secret is None:
        return registered.credentials if registered else None
    return replace(registered.credentials, client_secret=settings.client_secret)
