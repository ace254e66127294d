import SansIO

/// Who sees what happens: the sinks of the run, and the stage, which is told of events later.
struct Taps {
  struct News {
    var host: HostID
    var event: any HostEvent
  }

  private var sinks: [any JournalSink] = []
  /// Packets seen so far, by host.
  private var frames = ContiguousArray<UInt32>()
  private var names = ContiguousArray<String>()
  /// Those that pass on what others send.
  private var forwarders: [HostID] = []
  /// Whether the stage wants to hear of events.
  var keepsNews = false
  /// What it has not heard of yet.
  var news = ContiguousArray<News>()

  /// Whether packets are seen by nobody.
  var isEmpty: Bool { sinks.isEmpty }

  func name(of host: HostID) -> String { names.indices.contains(Int(host.rawValue)) ? names[Int(host.rawValue)] : "?" }

  mutating func addHost(_ name: String) {
    let id = HostID(UInt16(names.count))
    names.append(name)
    frames.append(0)
    for sink in sinks { sink.hostAdded(id, name: name) }
  }

  mutating func addForwarder(_ host: HostID) {
    forwarders.append(host)
    for sink in sinks { sink.forwards(host) }
  }

  /// Hosts that are there already are told to it.
  mutating func add(_ sink: any JournalSink) {
    sinks.append(sink)
    for (index, name) in names.enumerated() { sink.hostAdded(HostID(UInt16(index)), name: name) }
    for host in forwarders { sink.forwards(host) }
  }

  /// A packet as one host sees it.
  mutating func packet(
    _ host: Int, _ direction: PacketRecord.Direction, _ carrier: PacketRecord.Carrier, _ source: TransportAddress,
    _ destination: TransportAddress, _ payload: Bytes, _ label: Label, _ fate: Fate = .delivered, at now: Instant
  ) {
    frames[host] += 1
    let record = PacketRecord(
      at: now, host: HostID(UInt16(host)), frame: frames[host], direction: direction, carrier: carrier, source: source,
      destination: destination, payload: payload, label: label, fate: fate)
    for sink in sinks { sink.packet(record) }
  }

  func record(_ record: JournalRecord) { for sink in sinks { sink.record(record) } }

  func record(_ host: Int, _ body: JournalRecord.Body, at now: Instant) {
    if !sinks.isEmpty { record(JournalRecord(at: now, host: HostID(UInt16(host)), body)) }
  }

  mutating func event(_ host: Int, _ event: any HostEvent, at now: Instant) {
    record(host, .event(event), at: now)
    if keepsNews { news.append(News(host: HostID(UInt16(host)), event: event)) }
  }

  func finish(at now: Instant) { for sink in sinks { sink.finish(at: now) } }
}
