#Requires -Version 5.1
<#
.SYNOPSIS
Installs onroll, or brings it up to date: the program, its data folder with its permissions, and the service.
.DESCRIPTION
Needs no network and no Python. Run it in a PowerShell opened with "Run as administrator", in the folder where the bundle was unpacked.
What is in the data folder is kept. Where onroll was there before, the old program makes a backup first; without one nothing is replaced.
.PARAMETER Mis
The MIS for which onroll.toml is written, where there is none yet: arbor, sims, bromcom, wonde, csv and so on.
.PARAMETER Account
Who the service runs as: its own virtual account, or a group-managed service account such as SCHOOL\onroll$.
.PARAMETER Program
Where the program goes.
#>
[CmdletBinding()]
param(
    [ValidatePattern('^[a-z0-9_-]+$')]
    [string]$Mis = 'csv',
    [string]$Account = 'NT SERVICE\onroll',
    [string]$Program = (Join-Path $env:ProgramFiles 'onroll')
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$Data = Join-Path $env:ProgramData 'onroll'
$Python = Join-Path $Program 'python.exe'
$Old = "$Program.old"

function Stop-Here([string]$Why) {
    Write-Host $Why -ForegroundColor Red
    exit 1
}

# Runs onroll, and ends here with what it said when it failed.
function Invoke-Onroll([string[]]$Words) {
    & $Python -m onroll_daemon @Words
    if ($LASTEXITCODE -ne 0) {
        Stop-Here "That did not work: onroll $($Words -join ' '). The lines above say why."
    }
}

$me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
if (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    Stop-Here 'Only an administrator can install a service. Open PowerShell with "Run as administrator" and run install.ps1 again.'
}
if (-not [Environment]::Is64BitOperatingSystem -or [Environment]::OSVersion.Version.Major -lt 10) {
    Stop-Here 'onroll needs a 64-bit Windows Server 2016 or newer (or Windows 10 or newer).'
}

$payload = Join-Path $PSScriptRoot 'payload.zip'
$expected = (Get-Content -Path (Join-Path $PSScriptRoot 'payload.sha256') -TotalCount 1).Trim()
if ((Get-FileHash -Path $payload -Algorithm SHA256).Hash -ne $expected) {
    Stop-Here 'payload.zip is not what was packed: it was damaged on its way. Copy the bundle again and unpack it again.'
}

$service = Get-Service -Name 'onroll' -ErrorAction SilentlyContinue
$wasRunning = ($null -ne $service) -and ($service.Status -ne 'Stopped')
if ($wasRunning) {
    Write-Host 'Stopping the service; a run ends after the batch in hand ...'
    Stop-Service -Name 'onroll'
    $service.WaitForStatus('Stopped', [TimeSpan]::FromMinutes(5))
}

# The old program makes the backup, wherever its store is; it can read that store for certain.
$configuration = Join-Path $Data 'onroll.toml'
if ((Test-Path -Path $Python) -and (Test-Path -Path $configuration)) {
    $backups = Join-Path $Data 'backups'
    $kept = Join-Path $backups ('before-upgrade-' + (Get-Date -Format 'yyyyMMdd-HHmmss') + '.zip')
    $backedUp = $false
    try {
        New-Item -Path $backups -ItemType Directory -Force | Out-Null
        & $Python -m onroll_daemon backup $kept --config $configuration | Out-Null
        $backedUp = ($LASTEXITCODE -eq 0)
    }
    catch {
        Write-Host $_.Exception.Message
    }
    if (-not $backedUp) {
        if ($wasRunning) {
            Start-Service -Name 'onroll'
        }
        Stop-Here ('No backup could be made (the lines above say why), so nothing was replaced. Put that right and run install.ps1 again.' +
            " If the old program does not start any more: copy $Data to a safe place, run uninstall.ps1, which leaves the data, then install.ps1.")
    }
    Write-Host "The configuration and the store are kept in $kept"
    # The newest five are enough.
    Get-ChildItem -Path $backups -Filter 'before-upgrade-*.zip' | Sort-Object -Property Name -Descending | Select-Object -Skip 5 | Remove-Item -Force
}

Write-Host "Unpacking into $Program ..."
if (Test-Path -Path $Old) {
    Remove-Item -Path $Old -Recurse -Force
}
if (Test-Path -Path $Program) {
    Rename-Item -Path $Program -NewName (Split-Path -Path $Old -Leaf)
}
try {
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    [IO.Compression.ZipFile]::ExtractToDirectory($payload, $Program)
    Get-ChildItem -Path $Program -Recurse -File | Unblock-File
    & $Python -m compileall -q (Join-Path $Program 'Lib\site-packages') | Out-Null
    & $Python -m onroll_daemon --help | Out-Null
    if ($LASTEXITCODE -ne 0) {
        throw 'onroll does not start.'
    }
}
catch {
    $why = $_.Exception.Message
    if (Test-Path -Path $Program) {
        Remove-Item -Path $Program -Recurse -Force -ErrorAction SilentlyContinue
    }
    if (Test-Path -Path $Old) {
        Rename-Item -Path $Old -NewName (Split-Path -Path $Program -Leaf)
    }
    if ($wasRunning) {
        Start-Service -Name 'onroll'
    }
    Stop-Here "onroll could not be unpacked, and what was there before is back: $why"
}

# The service comes first: it makes the data folder and says who may read it, before anything is written there.
Invoke-Onroll @('service', 'install', '--account', $Account)
if (-not (Test-Path -Path $configuration)) {
    Invoke-Onroll @('init', $Data, '--mis', $Mis)
}

$path = [Environment]::GetEnvironmentVariable('Path', 'Machine')
if (($path -split ';') -notcontains $Program) {
    [Environment]::SetEnvironmentVariable('Path', "$path;$Program", 'Machine')
}
if (Test-Path -Path $Old) {
    Remove-Item -Path $Old -Recurse -Force
}
if ($wasRunning) {
    Invoke-Onroll @('service', 'start')
    Write-Host 'onroll is up to date and running again.'
    exit 0
}
Write-Host ''
Write-Host 'onroll is installed. Next, in a new PowerShell opened with "Run as administrator":'
Write-Host "  1. notepad $Data\onroll.toml        the school, its MIS, its targets"
Write-Host '  2. onroll service secret NAME       each password, named in onroll.toml as credential:NAME'
Write-Host '  3. onroll check                     what is still missing, in a sentence each'
Write-Host '  4. onroll pull, then onroll plan    what would be done; nothing is written yet'
Write-Host '  5. onroll service start             every night from then on'
exit 0
