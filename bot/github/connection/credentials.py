"""The App's credentials at rest: sealed in the database, their key in a file beside it.

Whoever gets hold of the database or of a backup of it has nothing without the file, and the other way round. The
file holds one Fernet key a line: the first seals, all open, so that a new first line and a restart change the key.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.domain.errors import BotError
from bot.domain.values import Value
from bot.settings.values import Credentials, Secret, Settings
from bot.storage.keyfiles import read_or_write
from bot.storage.store import Store

KEY_FILE = "credentials.key"
_NAME = "app_credentials"


class Registered(Value, frozen=True):
    """An App that the set-up page registered. `api_url` says at which GitHub."""

    api_url: str
    app_id: int
    slug: str
    html_url: str
    private_key: str
    webhook_secret: str

    @property
    def credentials(self) -> Credentials:
        """For the service."""
        return Credentials(
            app_id=self.app_id, private_key=Secret(self.private_key), webhook_secret=Secret(self.webhook_secret)
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
        self._store.write_note(_NAME, self._fernet().encrypt(msgspec.json.encode(registered)).decode())

    def find(self, api_url: str) -> Registered | None:
        """What the set-up page registered at the GitHub of `api_url`; None when it did not.

        Raises BotError when it is there and the key is not. Sealed anew when the key file has a new first line.
        """
        sealed = self._store.read_note(_NAME)
        if not sealed:
            return None
        fernet = self._fernet()
        try:
            found = msgspec.json.decode(fernet.decrypt(sealed), type=Registered)
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
        if not self._is_sealed_by_the_first(sealed):
            self.save(found)
        return found

    def forget(self) -> None:
        """Remove it."""
        self._store.write_note(_NAME, "")

    def _keys(self) -> list[bytes]:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return read_or_write(self._file, Fernet.generate_key() + b"\n").split()

    def _fernet(self) -> MultiFernet:
        try:
            return MultiFernet([Fernet(key) for key in self._keys()])
        except ValueError:
            raise BotError(f"{self._file} holds something else than keys: put it back from a backup") from None

    def _is_sealed_by_the_first(self, sealed: str) -> bool:
        try:
            Fernet(self._keys()[0]).decrypt(sealed)
        except InvalidToken:
            return False
        return True


def find_credentials(settings: Settings, store: Store) -> Credentials | None:
    """The App's credentials: the environment's, else those that the set-up page kept; None when there are none."""
    if settings.credentials is not None:
        return settings.credentials
    registered = Vault(store, settings.data / "keys").find(settings.api_url)
    return registered.credentials if registered else None
