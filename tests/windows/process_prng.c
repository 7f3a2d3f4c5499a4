/* bcryptprimitives.dll for Wine 8, which has none: Rust's libraries take their randomness from its one function. Windows has its own; tests alone build this. */
#include <windows.h>

BOOLEAN WINAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
