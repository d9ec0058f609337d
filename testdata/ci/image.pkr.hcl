# Beside this file lie setup, policy.yaml, and vmguard: the binary that you built or downloaded.
build {
  sources = ["source.qemu.image"] # yours

  provisioner "shell" {
    script          = "setup"
    execute_command = "chmod +x {{ .Path }}; sudo env {{ .Vars }} {{ .Path }}"
  }

  # The rest comes last, after everything that changes the image.
  provisioner "file" {
    sources     = ["vmguard", "policy.yaml"]
    destination = "/tmp/"
  }
  provisioner "shell" {
    inline = [
      "sudo install -m 755 /tmp/vmguard /usr/local/bin/vmguard",
      "sudo vmguard doctor --root / --policy /tmp/policy.yaml --fail-on never --report junit=/tmp/doctor.xml --report html=/tmp/doctor.html --report json=/tmp/doctor.json",
    ]
  }
  provisioner "file" {
    direction   = "download"
    sources     = ["/tmp/doctor.xml", "/tmp/doctor.html", "/tmp/doctor.json"]
    destination = "./"
  }
  provisioner "shell" {
    inline = ["sudo vmguard doctor --root / --policy /tmp/policy.yaml --fail-on warning --quiet"]
  }
}
