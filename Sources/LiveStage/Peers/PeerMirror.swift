import SansIO
import ScenarioEngine

/// Gives products of others captures of their own: each packet that one of our hosts exchanges with a product is seen from the product's
/// side too, as far as it can be seen from ours.
///
/// Confined to the stage's loop.
final class PeerMirror: JournalSink {
  private struct Peer {
    var host: HostID
    var address: IPAddress
    var frames: UInt32 = 0
    var labels = ProductLabels()
  }

  private var peers: [Peer] = []
  private let sinks: [any JournalSink]

  init(_ sinks: [any JournalSink]) { self.sinks = sinks }

  /// A product joins the run.
  func add(_ host: HostID, name: String, address: IPAddress) {
    peers.append(Peer(host: host, address: address))
    hostAdded(host, name: name)
  }

  func hostAdded(_ host: HostID, name: String) { for sink in sinks { sink.hostAdded(host, name: name) } }

  /// What we receive has been sent before, what we send is received afterwards.
  func packet(_ packet: PacketRecord) {
    let other = packet.direction == .sent ? packet.destination : packet.source
    let index = peers.firstIndex { $0.address == other.address }
    if packet.direction == .received, let index { pass(mirrored(packet, index)) }
    pass(packet)
    if packet.direction == .sent, let index { pass(mirrored(packet, index)) }
  }

  private func pass(_ packet: PacketRecord) { for sink in sinks { sink.packet(packet) } }

  private func mirrored(_ packet: PacketRecord, _ index: Int) -> PacketRecord {
    peers[index].frames += 1
    let direction: PacketRecord.Direction = packet.direction == .sent ? .received : .sent
    return PacketRecord(
      at: packet.at, host: peers[index].host, frame: peers[index].frames, direction: direction, carrier: packet.carrier,
      source: packet.source, destination: packet.destination, payload: packet.payload,
      label: direction == .sent ? peers[index].labels.label(packet.payload) : .none,
      fate: direction == .sent ? .unknown : .delivered)
  }

  /// Secrets open what the product said as well.
  func record(_ record: JournalRecord) {
    for sink in sinks { sink.record(record) }
    guard case .secret = record.body else { return }
    for peer in peers {
      for sink in sinks { sink.record(JournalRecord(at: record.at, host: peer.host, record.body)) }
    }
  }

  func finish(at now: Instant) { for sink in sinks { sink.finish(at: now) } }
}
