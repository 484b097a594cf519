<#
.SYNOPSIS
Joins this machine to a fleet.
.DESCRIPTION
Installs git and Python where they are missing and aios-bot into a folder of its own, then runs "aios-bot node join".
Safe to run again.
.PARAMETER Invitation
The invitation that "aios-bot node add" printed.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][string] $Invitation
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

# A Python that runs: the Store's alias is found like one, and only opens the Store.
function Find-Python {
    [CmdletBinding()]
    [OutputType([string])]
    param()
    $probe = 'import sys, venv; print(sys.executable if sys.version_info >= (3, 11) and sys.maxsize > 2**32 else "")'
    foreach ($candidate in @(@('py', '-3'), @('python'), @('python3'))) {
        if (-not (Test-Program -Name $candidate[0])) { continue }
        $ErrorActionPreference = 'Continue'
        $rest = @($candidate | Select-Object -Skip 1)
        $found = & $candidate[0] @rest -c $probe 2>$null | Select-Object -Last 1
        $ErrorActionPreference = 'Stop'
        if ($LASTEXITCODE -eq 0 -and $found) { return $found }
    }
    return ''
}

Add-Program -Name 'git' -Package 'Git.Git'
$python = Find-Python
if (-not $python) {
    Add-Program -Name 'py' -Package 'Python.Python.3.13'
    $python = Find-Python
}
if (-not $python) { throw 'aios-bot: Python 3.11 or newer (64 bits) is missing: install it, then paste the command again' }

$state = if ($env:AIOS_BOT_NODE_STATE) { $env:AIOS_BOT_NODE_STATE } else { Join-Path -Path $env:ProgramData -ChildPath 'aios-bot-node' }
if (-not (Test-Path -Path $state)) { $null = New-Item -ItemType Directory -Force -Path $state }
# ProgramData lets everybody write into new folders: this one is its user's, the administrators' and the system's, also
# where somebody else made it before. As bot/onboarding/join/private.py does.
$me = [System.Security.Principal.WindowsIdentity]::GetCurrent().User.Value
& icacls $state /reset /T /C /Q | Out-Null
& icacls $state /inheritance:r /grant:r "*${me}:(OI)(CI)F" '*S-1-5-32-544:(OI)(CI)F' '*S-1-5-18:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) { throw "aios-bot: the rights of $state could not be set" }

# By hashes, wheels only, beside what is there: bot/agent/installer.py. It does nothing if the invitation names none.
$installer = @"
@INSTALLER@
"@
$file = [IO.Path]::GetTempFileName()
try {
    [IO.File]::WriteAllText($file, $installer)
    & $python -I $file $Invitation "$state\program"
    if ($LASTEXITCODE -ne 0) { throw 'aios-bot: the installation failed; see above' }
} finally {
    Remove-Item -Path $file
}
$bot = Join-Path -Path $state -ChildPath 'program\aios-bot.cmd'
if (-not (Test-Path -Path $bot)) {
    if (-not (Test-Program -Name 'aios-bot')) {
        throw 'aios-bot: this invitation names no program, and aios-bot is not installed here: install it, then paste the command again'
    }
    $bot = 'aios-bot'
}
& $bot node join $Invitation --state $state
if ($LASTEXITCODE -ne 0) { throw 'aios-bot: not joined yet; see above, then paste the command again' }
