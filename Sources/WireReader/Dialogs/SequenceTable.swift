import SIPMessage
import SansIO

/// CSeq grows within a dialog, on each side of its own (RFC 3261 §12.2.1.1). The early dialogs of a fork are told apart by their To tags.
public struct SequenceTable {
  public struct Regression {
    public var stamp: FrameStamp
    public var method: SIPMethod
    public var source: TransportAddress
    public var from: UInt32
    public var to: UInt32
  }

  private struct Side: Equatable {
    var tag: String
    /// Nil outside dialogs.
    var remoteTag: String?
    /// Hops are told apart.
    var source: IPAddress
  }

  /// The request that has the highest number of a side.
  private struct Last {
    var number: UInt32
    var branch: String
    var source: TransportAddress
    var destination: TransportAddress
  }

  private static let mostSides = 1_024
  private static let mostRegressions = 1_024
  public private(set) var regressions: [Regression] = []
  /// In the order they came: a dialog has two sides.
  private var highest: [(side: Side, last: Last)] = []

  /// Takes the first copy of a request. ACK and CANCEL have the number of their INVITE.
  mutating func take(_ message: ObservedMessage) {
    guard message.method != .ack, message.method != .cancel, let tag = message.fromTag else { return }
    let side = Side(tag: tag, remoteTag: message.toTag, source: message.source.address)
    let known = highest.firstIndex { $0.side == side }
    // A dialog begins with the number of the request that made it.
    let before = known.map { highest[$0].last } ?? first(side)
    if let before, message.cseq.number < before.number || Self.isUsedAgain(before, message), regressions.count < Self.mostRegressions {
      regressions.append(
        Regression(stamp: message.stamp, method: message.method, source: message.source, from: before.number, to: message.cseq.number))
    }
    // A number that is lower leaves what was known, of the request outside the dialog as well.
    guard before.map({ $0.number <= message.cseq.number }) ?? true else { return }
    let last = Last(number: message.cseq.number, branch: message.branch, source: message.source, destination: message.destination)
    if let known { highest[known].last = last } else if highest.count < Self.mostSides { highest.append((side, last)) }
  }

  /// The request outside the dialog that a side has been in since.
  private func first(_ side: Side) -> Last? {
    guard side.remoteTag != nil else { return nil }
    return highest.first { $0.side.remoteTag == nil && $0.side.tag == side.tag && $0.side.source == side.source }?.last
  }

  /// Another request with the number of the last one, on the same way. Forks and hops that go on have Vias below their own, and the same
  /// INVITE may come by two ways outside a dialog (RFC 3261 §8.2.2.2).
  private static func isUsedAgain(_ before: Last, _ message: ObservedMessage) -> Bool {
    (message.toTag != nil || message.method == .register) && before.number == message.cseq.number && before.branch != message.branch
      && !before.branch.isEmpty && !message.branch.isEmpty
      && before.source == message.source && before.destination == message.destination
      && (message.message.hasOneVia || message.message.commaValues(.via).count == 1)
  }
}
