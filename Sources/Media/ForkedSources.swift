import SDP
import SansIO

/// Where the media of a call's other dialogs comes from.
///
/// A forked INVITE has several early dialogs, each with a session and a source of its own (RFC 3261 §12.1, §13.2.2.4; RFC 3960 §3). One
/// of them is the one that is heard; packets of the others are not its peer's, and nobody's mistake.
struct ForkedSources: Sendable {
  private struct Session: Sendable {
    var tag: String?
    var agreement: AudioAgreement
    var latch: RemoteLatch

    func owns(_ source: TransportAddress) -> Bool { source == latch.rtp ?? agreement.remote || source == agreement.remote }

    func ownsControl(_ source: TransportAddress) -> Bool {
      source == agreement.remoteControl || source.address == (latch.rtp ?? agreement.remote).address
    }
  }

  static let limit = 16

  /// The To tag of the dialog that is heard.
  private(set) var tag: String?
  private var others: [Session] = []
  /// Packets in a row that came from one of the others alone.
  private var run = 0
  /// Until when packets may belong to a dialog that we do not know; nil where the INVITE has one dialog.
  private var openUntil: Instant?

  /// - Parameter isOpen: further dialogs may come, for how long nobody knows yet.
  init(tag: String?, isOpen: Bool) {
    self.tag = tag
    openUntil = isOpen ? .distantFuture : nil
  }

  mutating func expect(until end: Instant) { openUntil = end }

  var isEmpty: Bool { others.isEmpty }

  /// Whether a source that we do not know may belong to a dialog that we do not know yet.
  func mayBeUnknown(at now: Instant) -> Bool { openUntil.map { now < $0 } ?? false }

  /// The session of another dialog is heard from now on; its own latch, where it was heard before.
  mutating func turn(to tag: String?, from agreement: AudioAgreement, _ latch: RemoteLatch) -> RemoteLatch {
    if others.count == Self.limit { others.removeFirst() }
    others.append(Session(tag: self.tag, agreement: agreement, latch: latch))
    self.tag = tag
    run = 0
    guard let index = others.firstIndex(where: { $0.tag == tag }) else { return RemoteLatch() }
    return others.remove(at: index).latch
  }

  /// Whether a packet belongs to another dialog's session.
  ///
  /// - Parameter isOpen: nothing has shown yet where the present session's media comes from. Then a source that alone goes on sending is
  ///   taken for its own: a border controller may answer for all branches, with one media relay.
  mutating func claim(_ source: TransportAddress, isOpen: Bool) -> Bool {
    guard let index = others.firstIndex(where: { $0.owns(source) }) else {
      run = 0
      return false
    }
    run += 1
    guard isOpen, run > RemoteLatch.neededFromPrevious else { return true }
    others.remove(at: index)
    return false
  }

  func ownsControl(_ source: TransportAddress) -> Bool { others.contains { $0.ownsControl(source) } }
}
