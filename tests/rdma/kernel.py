# SPDX-License-Identifier: MIT
"""Debian's kernel, for virtual machines: fetched once, never installed.

There is a folder for it in $XDG_CACHE_HOME/openwsd, or ~/.cache/openwsd. Its
first file system is a program, busybox, the modules that a machine needs, and
the script init.
"""

import fcntl
import glob
import gzip
import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
META = "linux-image-amd64"
BUSYBOX = "/bin/busybox"

# rdma_rxe does not attach to a card without crc32_generic.
BASE_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_net")
RDMA_MODULES = ("crc32_generic", "rdma_rxe", "rdma_ucm")


class Missing(Exception):
    """Something that machines need is not there; says what to do."""


def cache():
    """Where the kernel is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "openwsd", "kernel")


def tool(name):
    """The path of a command; those of the administrator may be elsewhere."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if not found:
        raise Missing(f"{name} is not there; scripts/install rdma installs it")
    return found


def _output(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=300,
                          check=False)
    if done.returncode != 0:
        raise Missing(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _package():
    """The package that stands behind Debian's name for the newest kernel."""
    text = _output(tool("apt-cache"), "depends", META)
    match = re.search(r"Depends: (linux-image-\d\S+)", text)
    if not match:
        raise Missing(f"no package {META}; is this Debian on x86-64, and has "
                      "apt-get update been run?")
    return match.group(1)


def _fetch(folder):
    """Puts the kernel and its modules into a folder."""
    package = _package()
    _output(tool("apt-get"), "download", "-qq", package, cwd=folder)
    archive, = glob.glob(f"{folder}/*.deb")
    _output(tool("dpkg-deb"), "-x", archive, folder)
    os.unlink(archive)
    # Modules are looked for in lib/modules, wherever Debian puts them.
    if not os.path.isdir(f"{folder}/lib"):
        os.symlink("usr/lib", f"{folder}/lib")
    _output(tool("depmod"), "-b", folder, _release(folder))


def _release(root):
    """What `uname -r` will say."""
    image, = glob.glob(f"{root}/boot/vmlinuz-*")
    return os.path.basename(image).removeprefix("vmlinuz-")


def _root():
    """The folder that has the kernel; fetches it when there is none."""
    root = os.path.join(cache(), "root")
    os.makedirs(cache(), exist_ok=True)
    with open(os.path.join(cache(), "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(root):
            with tempfile.TemporaryDirectory(dir=cache()) as new:
                _fetch(new)
                os.mkdir(root)
                for name in os.listdir(new):
                    os.rename(f"{new}/{name}", f"{root}/{name}")
    return root


def _modules(root, names):
    """The files of modules and of what they need, in order of loading."""
    files = []
    for name in names:
        text = _output(tool("modprobe"), "-d", root, "-S", _release(root),
                       "--show-depends", name)
        for line in text.splitlines():
            kind, path = line.split()[:2]
            if kind == "insmod" and path not in files:
                files.append(path)
    return files


# ---- an archive as the kernel reads it -----------------------------------

def _entry(name, mode, data=b""):
    """One file in the format of cpio -H newc."""
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields)
    head += name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data):
    return data + bytes(-len(data) % 4)


def _file(name, path):
    with open(path, "rb") as file:
        return _entry(name, 0o100755, file.read())


def first_files(path):
    """Writes the first file system; returns the path of the kernel."""
    root = _root()
    if not os.path.exists(BUSYBOX):
        raise Missing(f"no {BUSYBOX}; scripts/install rdma installs it")
    base = _modules(root, BASE_MODULES)
    rdma = [m for m in _modules(root, RDMA_MODULES) if m not in base]
    parts = [_entry(name, 0o040755) for name in ("bin", "base", "rdma")]
    parts += [_file("bin/busybox", BUSYBOX), _file("init", f"{HERE}/init")]
    for folder, files in (("base", base), ("rdma", rdma)):
        for number, module in enumerate(files):
            name = f"{folder}/{number:02}-{os.path.basename(module)}"
            parts.append(_file(name, module))
    parts.append(_entry("TRAILER!!!", 0))
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"".join(parts))
    return f"{root}/boot/vmlinuz-{_release(root)}"
