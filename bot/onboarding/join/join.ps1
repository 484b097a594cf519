<#
.SYNOPSIS
Joins this machine to a fleet.
.DESCRIPTION
Installs git and Python where they are missing and aios-bot into a folder of its own, then runs "aios-bot node join".
Safe to run again.
.PARAMETER Invitation
The invitation that "aios-bot node add" printed.
.PARAMETER Program
What pip installs.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][string] $Invitation,
    [Parameter(Mandatory = $true)][string] $Program
)
$ErrorActionPreference = 'Stop'

function Test-Program {
    [CmdletBinding()]
    [OutputType([bool])]
    param([Parameter(Mandatory = $true)][string] $Name)
    return [bool](Get-Command -Name $Name -CommandType Application -ErrorAction SilentlyContinue)
}

function Add-Program {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][string] $Name,
        [Parameter(Mandatory = $true)][string] $Package
    )
    if (Test-Program -Name $Name) { return }
    if (-not (Test-Program -Name 'winget')) {
        throw "aios-bot: install $Package, then paste the command again"
    }
    Write-Information -MessageData "aios-bot: installing $Package" -InformationAction Continue
    winget install --exact --id $Package --silent --accept-package-agreements --accept-source-agreements
    $machine = [Environment]::GetEnvironmentVariable('Path', 'Machine')
    $user = [Environment]::GetEnvironmentVariable('Path', 'User')
    $env:Path = "$machine;$user"
    if (-not (Test-Program -Name $Name)) {
        throw "aios-bot: $Package is installed, but $Name is not found: open a new window and paste the command again"
    }
}

Add-Program -Name 'git' -Package 'Git.Git'
Add-Program -Name 'python' -Package 'Python.Python.3.13'
& python -c 'import sys; sys.exit(sys.version_info < (3, 11))'
if ($LASTEXITCODE -ne 0) { throw 'aios-bot: Python 3.11 or newer is missing: install it, then paste the command again' }

$state = if ($env:AIOS_BOT_NODE_STATE) { $env:AIOS_BOT_NODE_STATE } else { Join-Path -Path $env:ProgramData -ChildPath 'aios-bot-node' }
$null = New-Item -ItemType Directory -Force -Path $state
$bot = 'aios-bot'
if (-not (Test-Program -Name 'aios-bot')) {
    $bot = Join-Path -Path $state -ChildPath 'program\Scripts\aios-bot.exe'
    $mark = Join-Path -Path $state -ChildPath 'program\installed'
    # Another program than the one that is there replaces it: pasting the command again upgrades the node.
    if (-not (Test-Path -Path $bot) -or -not (Test-Path -Path $mark) -or (Get-Content -Raw -Path $mark) -ne $Program) {
        Write-Information -MessageData "aios-bot: installing into $state\program" -InformationAction Continue
        & python -m venv --clear "$state\program"
        & "$state\program\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check $Program
        if ($LASTEXITCODE -ne 0) { throw 'aios-bot: the installation failed; see above' }
        Set-Content -NoNewline -Path $mark -Value $Program
    }
}
& $bot node join $Invitation --state $state
if ($LASTEXITCODE -ne 0) { throw 'aios-bot: not joined yet; see above, then paste the command again' }
