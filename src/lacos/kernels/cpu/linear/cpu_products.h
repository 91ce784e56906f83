// Which of the instructions that products can use this CPU has, and may use.
//
// ONEDNN_MAX_CPU_ISA makes the CPU like an older one for oneDNN. It does so for our own kernels, too.
#pragma once

#include <string>

namespace lacos::cpu {

// The instruction set that oneDNN uses, such as "AVX2" (capped by ONEDNN_MAX_CPU_ISA). The version
// of oneDNN stands before it unless it is 2.6.
std::string OneDnnIsa();

// Whether our own products with vpdpbusd, with vdpbf16ps, and on the tile registers of AMX are used:
// this CPU has the instruction, and ONEDNN_MAX_CPU_ISA does not exclude it.
bool Int8QuadsAllowed();
bool BF16PairsAllowed();
bool AmxAllowed();

}  // namespace lacos::cpu
