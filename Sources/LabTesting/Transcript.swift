import SIPMessage
import SansIO

/// The SIP messages that hosts sent, as lines: `pbx: INVITE`, `kallglot: 401 INVITE`. What is encrypted stays out.
///
/// Two runs of one script can be compared by it when their clocks, ports and identifiers differ.
public final class Transcript: JournalSink {
  private var names: [String] = []
  public private(set) var lines: [String] = []

  public init() {}

  public func hostAdded(_ host: HostID, name: String) {
    while names.count <= Int(host.rawValue) { names.append("?") }
    names[Int(host.rawValue)] = name
  }

  public func packet(_ packet: PacketRecord) {
    guard packet.direction == .sent, let message = try? SIPMessage.parse(packet.payload), let cseq = try? message.cseq() else { return }
    let name = names.indices.contains(Int(packet.host.rawValue)) ? names[Int(packet.host.rawValue)] : "?"
    lines.append("\(name): \(message.status.map { "\($0) " } ?? "")\(message.method?.token ?? cseq.method.token)")
  }

  public func record(_ record: JournalRecord) {}
  public func finish(at now: Instant) {}

  /// What one host sent, in order; the order between hosts is the network's.
  public func lines(of host: String) -> [String] { lines.filter { $0.hasPrefix("\(host): ") } }
}
