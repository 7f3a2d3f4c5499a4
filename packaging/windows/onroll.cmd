@echo off
rem The command onroll. The service's configuration is found in %ProgramData%\onroll unless another is named.
"%~dp0python.exe" -m onroll_daemon %*
