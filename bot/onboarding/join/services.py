"""Render what starts the runner with the machine: a drop-in of its systemd unit, a scheduled task of Windows. Pure.

Both run `aios-bot node recover` before the runner starts: an order that a power cut interrupted is put right at boot,
and not by the next order.
"""

from __future__ import annotations

from pathlib import PurePath
from xml.sax.saxutils import escape

_DROP_IN = """\
# Written by aios-bot node join, removed by aios-bot node leave.
[Unit]
Wants=network-online.target docker.service
After=network-online.target docker.service

[Service]
EnvironmentFile=-{runner}/.env
ExecStartPre=-{program} node recover --state {state}
TimeoutStartSec=30min
Restart=always
RestartSec=10
"""
_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{description}</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled><UserId>{user}</UserId></LogonTrigger></Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <IdleSettings><StopOnIdleEnd>false</StopOnIdleEnd><RestartOnIdle>false</RestartOnIdle></IdleSettings>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec><Command>{program}</Command><Arguments>node recover --state "{state}"</Arguments></Exec>
    <Exec><Command>{run}</Command><WorkingDirectory>{runner}</WorkingDirectory></Exec>
  </Actions>
</Task>
"""


def render_drop_in(*, program: PurePath, state: PurePath, runner: PurePath) -> str:
    """The drop-in for the runner's unit: it waits for the engine, recovers first, and starts again when it ends."""
    places = {"program": program, "state": state, "runner": runner}
    return _DROP_IN.format_map({name: _systemd_path(path) for name, path in places.items()})


def _systemd_path(path: PurePath) -> str:
    """A path as one word of a unit file, where `%`, `$`, quotes and blanks mean something."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return text.replace(" ", "\\x20")


def render_task(name: str, *, user: str, program: PurePath, state: PurePath, runner: PurePath) -> str:
    """The scheduled task that starts the runner when `user` logs on: without a time limit, on battery too.

    What `schtasks` makes from its options alone ends after 72 hours, and on battery.
    """
    values = {
        "description": name,
        "user": user,
        "program": program,
        "state": state,
        "runner": runner,
        "run": runner / "run.cmd",
    }
    return _TASK.format_map({key: escape(str(value)) for key, value in values.items()})
