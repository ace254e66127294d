import Capture
import SansIO

/// What belongs to no call: OPTIONS, registrations, what is no SIP message, connections that never carried an INVITE.
///
/// `other-00001.pcapng`, and the next one when a file has grown.
final class OtherCapture {
  /// Bytes of a file before the next one is begun.
  private static let limit = 16 << 20

  private let folder: String
  private let epoch: Epoch
  private let host: String
  private var file: CaptureFile?
  private var count = 0
  private(set) var failure: CaptureFailure?

  init(folder: String, host: String, epoch: Epoch) {
    self.folder = folder
    self.host = host
    self.epoch = epoch
  }

  func append(_ packet: PacketRecord) {
    if let file, file.byteCount > Self.limit { close(file, at: packet.at) }
    opened().append(packet)
  }

  func append(_ secret: KeyLogLine) { opened().append(secret) }

  func finish(at now: Instant) {
    if let file { close(file, at: now) }
  }

  private func opened() -> CaptureFile {
    if let file { return file }
    count += 1
    let number = String(count)
    let output = ByteOutput(path: "\(folder)/other-\(String(repeating: "0", count: max(0, 5 - number.count)))\(number).pcapng")
    if failure == nil { failure = output.failure }
    let fresh = CaptureFile(output, interface: host, epoch: epoch, options: CaptureOptions(origin: .live))
    file = fresh
    return fresh
  }

  private func close(_ closed: CaptureFile, at now: Instant) {
    closed.close(at: now)
    if failure == nil { failure = closed.failure }
    file = nil
  }
}
