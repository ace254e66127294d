import Capture
import SansIO
import WireReader

/// Writes the clear twin of a capture: the same frames, with SIP and RTP decrypted as far as there are keys.
///
/// Frames without plaintext are kept empty: segments of a TLS handshake, DTLS, and SRTP that no key opens. m= lines say RTP/AVP, keys and
/// fingerprints become `a=x-lab-removed`. A twin has no secrets, and no byte of a TLS record where the secrets are known. The capture is
/// read for its secrets, for the connections that they open, and for its frames, and streams through each time.
public struct ClearTwin {
  /// What became of a capture.
  public struct Outcome: Sendable {
    public var frames = 0
    /// Bytes that TLS carried and that are in clear now.
    public var decryptedBytes = 0
    /// Packets of SRTP and SRTCP that are in clear now.
    public var openedPackets = 0
    /// Packets that may be SRTP or SRTCP, and are empty now.
    public var closedPackets = 0
    /// Connections and streams that stayed closed, or not wholly opened, each with its reason.
    public var closed: [String] = []
    /// Whether there was TLS or SRTP at all.
    public var isSecured = false
    /// Why the capture could not be read to its end.
    public var problem: String?

    public var isOpened: Bool { decryptedBytes > 0 || openedPackets > 0 }
  }

  private let source: CaptureSource
  private let keyLogs: [Bytes]
  private let origin: CaptureOrigin

  /// - Parameters:
  ///   - keyLogs: secrets beside those of the capture, as an SSLKEYLOGFILE has them.
  ///   - origin: what the twin says that made it.
  public init(_ source: CaptureSource, keyLogs: [Bytes] = [], origin: CaptureOrigin = .copy) {
    self.source = source
    self.keyLogs = keyLogs
    self.origin = origin
  }

  /// `X.clear.pcapng` for `X.pcapng` and `X.pcap`.
  public static func path(of capture: String) -> String {
    let name = capture.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "\(capture).clear.pcapng" }
    return "\(capture.dropLast(name.distance(from: dot, to: name.endIndex))).clear.pcapng"
  }

  /// Writes the twin, and closes `output`.
  /// - Throws: when the source is not a capture or cannot be opened. One that breaks off gives what it has.
  public func write(to output: ByteOutput) throws(CaptureReadError) -> Outcome {
    let keyLog = try secrets()
    var writing = TwinWriting(output, origin, keyLog, try SecuredConnections(source, keyLog))
    var reader = try source.open()
    do {
      while let item = try reader.next() { writing.take(item) }
    } catch { writing.problem = error.description }
    return writing.finish()
  }

  /// Writes it beside the capture.
  public static func write(beside capture: String, origin: CaptureOrigin) throws(CaptureReadError) -> Outcome {
    let output = ByteOutput(path: path(of: capture))
    let outcome = try ClearTwin(.file(capture), origin: origin).write(to: output)
    if let failure = output.failure { throw CaptureReadError(.unreadable(failure), at: 0) }
    return outcome
  }

  private func secrets() throws(CaptureReadError) -> KeyLog {
    let keyLog = KeyLog()
    for text in keyLogs { keyLog.add(text) }
    var reader = try source.open()
    do {
      while let item = try reader.next() { if case .secrets(let found) = item, found.isTLSKeyLog { keyLog.add(found.data) } }
    } catch { return keyLog }
    return keyLog
  }
}
