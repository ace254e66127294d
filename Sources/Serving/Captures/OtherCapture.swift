import SansIO

/// What belongs to no call: OPTIONS, registrations, refused INVITEs, what is no SIP message, and how connections begin and end.
///
/// `other-00001.pcapng`, and the next one when a file has grown.
final class OtherCapture {
  private let folder: CaptureFolder
  private var file: LiveCaptureFile?

  init(_ folder: CaptureFolder) { self.folder = folder }

  var unwritten: Int { file?.unwritten ?? 0 }

  func append(_ passage: Passage) {
    if let file, file.byteCount > folder.rotation { close(file, at: passage.packet.at) }
    opened().append(passage)
  }

  func append(note text: String, at now: Instant) { opened().append(note: text, at: now) }
  func append(_ secret: KeyLogLine) { opened().append(secret) }
  func flush() { file?.flush() }

  func place(of packet: UInt32) -> String? { file.flatMap { file in file.frame(of: packet).map { "frame \($0) of \(file.path)" } } }

  func finish(at now: Instant) {
    if let file { close(file, at: now) }
  }

  private func opened() -> LiveCaptureFile {
    if let file { return file }
    let fresh = folder.file(named: "\(folder.nextName(.other)).pcapng", keepsOpen: true)
    file = fresh
    return fresh
  }

  private func close(_ closed: LiveCaptureFile, at now: Instant) {
    closed.close(at: now)
    file = nil
  }
}
