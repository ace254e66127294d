import SRTP
import SansIO

/// Why packets of a stream stayed closed, or may have: what a reader would have needed.
public enum SRTPObstacle: Hashable, Sendable, CustomStringConvertible {
  /// Its description names no key.
  case noKey
  /// The description of who sends it is not in the capture.
  case noDescription
  /// It may be in SIP that was not opened.
  case signallingClosed
  case keysRefused(CryptoRefusal)
  /// Whoever wrote the capture took them out.
  case keysRemoved
  /// MIKEY (RFC 4567).
  case otherKeying
  case noHandshake
  case handshake(String)
  /// There was a key, and packets cannot be verified by it.
  case notVerified(SRTPDrop)
  case cut

  public var description: String {
    switch self {
    case .noKey: "its description has no key"
    case .noDescription: "the description with its key is not in the capture"
    case .signallingClosed: "its key is in SIP that was not opened"
    case .keysRefused(let refusal): "its key cannot be used: \(refusal)"
    case .keysRemoved: "its key was overwritten before the capture was handed on"
    case .otherKeying: "its keys come by MIKEY (RFC 4567), which is not read here"
    case .noHandshake: "its DTLS handshake is not in the capture"
    case .handshake(let reason): reason
    case .notVerified(let drop): "not verified by its key: \(drop)"
    case .cut: "its packets were cut by the capture's snap length"
    }
  }

  /// One word of it, for programs.
  public var name: String {
    switch self {
    case .noKey: "no-key"
    case .noDescription: "no-description"
    case .signallingClosed: "signalling-closed"
    case .keysRefused: "key-refused"
    case .keysRemoved: "key-removed"
    case .otherKeying: "other-keying"
    case .noHandshake: "no-handshake"
    case .handshake: "handshake-closed"
    case .notVerified: "not-verified"
    case .cut: "cut"
    }
  }
}

extension StreamTable {
  /// How the key is known that opens a stream.
  public func keySource(of stream: RTPStream) -> SRTPKeySource? { opener.source((stream.key.source, stream.key.destination)) }

  /// Whether the packet of a stream that was opened last has another key than the lines of a description have; false where none was.
  public func hasOtherKey(_ stream: RTPStream, than media: ObservedMedia) -> Bool {
    guard let keys = opener.keys((stream.key.source, stream.key.destination)) else { return false }
    return !media.crypto.contains { line in (try? line.keying())?.sharesKey(with: keys) ?? true }
  }

  /// Why a stream's packets were not opened, or not all of them; nil for one that is not SRTP as far as anybody knows.
  /// - Parameter hasClosedSignalling: whether there is SIP between these two that was not opened.
  public func obstacle(of stream: RTPStream, hasClosedSignalling: (RTPStream) -> Bool) -> SRTPObstacle? {
    guard stream.closedPackets > 0 else { return nil }
    let way = (stream.key.source, stream.key.destination)
    if let drop = opener.drop(way) { return .notVerified(drop) }
    if stream.openedPackets == 0, stream.cutPackets == stream.statistics.packets { return .cut }
    if let reason = dtls.obstacle(way) { return .handshake(reason) }
    let senders = media.senders(way)
    if senders.contains(where: \.media.hasRemovedKeys) { return .keysRemoved }
    for case .failure(let refusal) in senders.flatMap(\.media.keys.lines) { return .keysRefused(refusal) }
    if senders.contains(where: \.media.hasFingerprint) { return .noHandshake }
    if senders.contains(where: \.media.hasOtherKeying) { return .otherKeying }
    if !senders.isEmpty { return .noKey }
    return hasClosedSignalling(stream) ? .signallingClosed : .noDescription
  }
}
