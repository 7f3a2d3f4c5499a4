#Requires -Version 5.1
<#
.SYNOPSIS
Takes the service and the program away. The data folder stays unless -Data is given and you type its name.
.PARAMETER Data
Also delete the configuration, the store and the log, after asking: onroll then no longer knows whose account is whose.
.PARAMETER Program
Where the program is.
#>
[CmdletBinding()]
param(
    [switch]$Data,
    [string]$Program = (Join-Path $env:ProgramFiles 'onroll')
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$Folder = Join-Path $env:ProgramData 'onroll'
$Python = Join-Path $Program 'python.exe'

$me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
if (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    Write-Host 'Only an administrator can remove a service. Open PowerShell with "Run as administrator" and run uninstall.ps1 again.' -ForegroundColor Red
    exit 1
}
if ($null -ne (Get-Service -Name 'onroll' -ErrorAction SilentlyContinue)) {
    & $Python -m onroll_daemon service remove
    if ($LASTEXITCODE -ne 0) {
        Write-Host 'The service could not be removed, so the program was left. The lines above say why.' -ForegroundColor Red
        exit 1
    }
}
if (Test-Path -Path $Program) {
    Remove-Item -Path $Program -Recurse -Force
}
$path = [Environment]::GetEnvironmentVariable('Path', 'Machine')
$kept = ($path -split ';' | Where-Object { $_ -and ($_ -ne $Program) }) -join ';'
[Environment]::SetEnvironmentVariable('Path', $kept, 'Machine')

if ($Data -and (Test-Path -Path $Folder)) {
    Write-Host "This deletes $Folder: the configuration, the store with every link between people and accounts, and the log."
    if ((Read-Host 'Type the name of the folder, onroll, to delete it') -eq 'onroll') {
        Remove-Item -Path $Folder -Recurse -Force
        Write-Host 'Deleted.'
        exit 0
    }
    Write-Host 'Left as it is.'
}
Write-Host "onroll was removed. Its data is still in $Folder."
exit 0
