package rootfs

// sysRenameat2 is renameat2(2), which package syscall does not name.
const sysRenameat2 = 276
