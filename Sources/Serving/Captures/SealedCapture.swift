import SansIO

/// The whole ciphertext of one TLS connection with its secrets, since a part of a TLS stream cannot be decrypted.
///
/// `connection-00001-192.0.2.7-40123.pcapng`; one that has grown goes on in `….part2.pcapng`, which begins with the secrets again:
/// `mergecap -w whole.pcapng connection-00001-*` puts them together.
final class SealedCapture {
  private let folder: CaptureFolder
  private let name: String
  private let ends: ConnectionEnds
  private var part = 1
  private var secrets: [KeyLogLine] = []
  private var file: LiveCaptureFile

  init(_ folder: CaptureFolder, _ ends: ConnectionEnds) {
    self.folder = folder
    self.ends = ends
    name = "\(folder.nextName(.connection))-\(CaptureFolder.namePart(ends.remote.address.description))-\(ends.remote.port)"
    file = folder.file(named: "\(name).pcapng")
    folder.tell(.connectionOpened(local: ends.local, remote: ends.remote, path: file.path))
  }

  var unwritten: Int { file.unwritten }

  func append(_ packet: PacketRecord) {
    if file.byteCount > folder.rotation { goOn(at: packet.at) }
    file.append(Passage(packet: packet, keepsNumbers: true))
  }

  func append(_ secret: KeyLogLine) {
    secrets.append(secret)
    file.append(secret)
  }

  func flush() { file.flush() }
  func close(at now: Instant) { file.close(at: now) }

  private func goOn(at now: Instant) {
    file.close(at: now)
    part += 1
    let comment = "part \(part) of a TLS connection; combine all parts to decrypt it: mergecap -w whole.pcapng \(name)*"
    file = folder.file(named: "\(name).part\(part).pcapng", comment: comment)
    folder.tell(.connectionOpened(local: ends.local, remote: ends.remote, path: file.path))
    for secret in secrets { file.append(secret) }
  }
}
