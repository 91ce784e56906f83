#!/usr/bin/env bash
# Installs NVIDIA's CUDA 13 compiler from PyPI's wheels into one folder, for building lacos with LACOS_CUDA=ON on a
# machine without a CUDA toolkit. It needs no GPU, no driver and no root. The files are NVIDIA's and under NVIDIA's
# licence; lacos does not redistribute them.
#   tools/install_cuda.sh [FOLDER]    FOLDER is build/cuda by default; `cmake -DLACOS_CUDA=ON` looks there
set -euo pipefail

cd "$(dirname "$0")/.."
folder=${1:-build/cuda}
packages=(
  nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85
)
toolkit=$folder/lib/python3/site-packages/nvidia/cu13

if [[ -x $folder/bin/nvcc ]]; then
  "$folder/bin/nvcc" --version | tail -n 2
  exit 0
fi
[[ $(uname -m) == x86_64 || $(uname -m) == aarch64 ]] ||
  { echo "install_cuda.sh: this machine is a $(uname -m); NVIDIA's wheels are for x86_64 and aarch64; use a machine of these kinds" >&2; exit 1; }
mkdir -p "$folder"
site=$folder/lib/python3/site-packages
# --target puts the files of all wheels below one folder, without a virtual environment.
python3 -m pip --version >/dev/null 2>&1 || {
  python3 -m venv "$folder/venv"
  PATH=$PWD/$folder/venv/bin:$PATH
}
python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$site" "${packages[@]}"
[[ -x $toolkit/bin/nvcc ]] ||
  { echo "install_cuda.sh: the wheels have no $toolkit/bin/nvcc; expected the layout of CUDA 13.0; remove $folder and try again" >&2; exit 1; }

# The wheels have lib/ and files whose names end in .so.13. nvcc looks in lib64/, and CMake looks for names without a number.
ln -sfn lib "$toolkit/lib64"
for library in "$toolkit"/lib/libcudart.so.13 "$toolkit"/lib/libcublasLt.so.13; do
  [[ -e $library ]] && ln -sf "$(basename "$library")" "${library%.13}"
done
ln -sfn lib/python3/site-packages/nvidia/cu13/bin "$folder/bin"
"$folder/bin/nvcc" --version | tail -n 2
