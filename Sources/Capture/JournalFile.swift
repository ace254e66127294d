import SansIO

/// The journal as NDJSON: one object a line, fields in a fixed order, so that two runs of one seed can be compared byte by byte.
///
/// A packet's line holds where it came from and went, its label and (sent ones) its fate, not its payload: that is in the capture,
/// at the same `frame`. Secrets are never written.
public final class JournalFile: JournalSink {
  private let output: ByteOutput
  @exclusivity(unchecked) private var names: [String] = []
  /// `,"host":"<name>","frame":` by host number.
  // Read for every packet by code that cannot overlap itself.
  @exclusivity(unchecked) private var prefixes: [[UInt8]] = []
  private let flows = FlowTexts()
  /// Its memory is used again for each line.
  @exclusivity(unchecked) private var line = JSONWriter()

  public init(_ output: ByteOutput) { self.output = output }

  /// Writes to the file at `path`.
  public convenience init(path: String) { self.init(ByteOutput(path: path)) }

  /// The first thing that went wrong with the file; the run goes on without it.
  public var failure: CaptureFailure? { output.failure }
  /// What was written, for an output into memory.
  public var bytes: Bytes { output.bytes }

  public func hostAdded(_ host: HostID, name: String) {
    guard host != .stage else { return }
    while names.count <= Int(host.rawValue) {
      names.append("host-\(names.count)")
      prefixes.append(Self.prefix("host-\(prefixes.count)"))
    }
    names[Int(host.rawValue)] = name
    prefixes[Int(host.rawValue)] = Self.prefix(name)
    line.object(.compact) { json in
      json.member("hostAdded", name)
      json.member("number", host.rawValue)
    }
    writeLine()
  }

  public func packet(_ packet: PacketRecord) {
    let host = Int(packet.host.rawValue)
    if host >= prefixes.count {
      guard packet.host != .stage else { return }
      hostAdded(packet.host, name: name(of: packet.host))
    }
    output.append(atMost: 512 + prefixes[host].count) { cursor in
      cursor.text("{\"t\":")
      cursor.decimal(packet.at.nanoseconds)
      cursor.bytes(prefixes[host])
      cursor.decimal(packet.frame)
      switch packet.direction {
      case .sent: cursor.text(",\"dir\":\"sent\"")
      case .received: cursor.text(",\"dir\":\"received\"")
      }
      switch packet.carrier {
      case .udp: cursor.text(",\"proto\":\"udp\",")
      case .tcp: cursor.text(",\"proto\":\"tcp\",")
      }
      flows.write(packet.source, packet.destination, to: &cursor)
      cursor.text(",\"len\":")
      cursor.decimal(UInt64(packet.payload.count))
      if case .tcp(let segment) = packet.carrier { cursor.tcp(segment) }
      cursor.text(",\"label\":\"")
      cursor.label(packet.label)
      // Of received packets only what a NAT did is news.
      if packet.direction == .sent || packet.fate != .delivered { Self.fate(packet.fate, to: &cursor) } else { cursor.text("\"}\n") }
    }
  }

  /// Closes the label before and the object behind.
  @inline(__always)
  private static func fate(_ fate: Fate, to cursor: inout ByteCursor) {
    cursor.text("\",\"fate\":\"")
    cursor.text(fate.word)
    if case .translated(let port) = fate {
      cursor.text("\",\"port\":")
      cursor.decimal(port)
      return cursor.text("}\n")
    }
    if case .filtered(let reason) = fate {
      cursor.text("\",\"why\":\"")
      cursor.text(reason.word)
      return cursor.text("\"}\n")
    }
    guard let fault = fate.fault else { return cursor.text("\"}\n") }
    cursor.text("\",\"fault\":")
    cursor.decimal(fault)
    cursor.text("}\n")
  }

  public func record(_ record: JournalRecord) {
    switch record.body {
    case .secret, .plaintext: return
    case .event, .step, .bound, .unbound, .bindFailed, .finding, .note: break
    }
    line.object(.compact) { json in
      json.member("t", record.at.nanoseconds)
      json.member("host", name(of: record.host))
      write(record.body, to: &json)
    }
    writeLine()
  }

  private func write(_ body: JournalRecord.Body, to json: inout JSONWriter) {
    switch body {
    case .secret, .plaintext: break
    case .event(let event):
      // The fields stand in an object of their own, so that none of their names can hide one of ours.
      json.member("event", event.journalName)
      json.name("fields")
      json.object(.compact) { event.writeFields(to: &$0) }
    case .step(let text): json.member("step", text)
    case .note(let text): json.member("note", text)
    case .bound(let address, let kind):
      json.member("bound", address)
      Self.write(kind, to: &json)
    case .unbound(let address, let kind):
      json.member("unbound", address)
      Self.write(kind, to: &json)
    case .bindFailed(let address, let failure):
      json.member("bindFailed", address)
      json.member("why", failure.description)
    case .finding(let text, let frames):
      json.member("finding", text)
      json.name("frames")
      json.array(.compact) { json in for frame in frames { json.value("\(name(of: frame.host))#\(frame.frame)") } }
    }
  }

  private static func write(_ kind: PortKind, to json: inout JSONWriter) {
    switch kind {
    case .datagram: json.member("kind", "datagram")
    case .listener: json.member("kind", "listener")
    }
  }

  public func finish(at now: Instant) { output.close() }

  private func writeLine() {
    line.endLine()
    line.withBytes { bytes in output.append(atMost: bytes.count) { $0.bytes(bytes) } }
    line.clear()
  }

  private func name(of host: HostID) -> String {
    if host == .stage { return "stage" }
    return Int(host.rawValue) < names.count ? names[Int(host.rawValue)] : "host-\(host.rawValue)"
  }

  private static func prefix(_ name: String) -> [UInt8] {
    var json = JSONWriter()
    json.value(name)
    return Array(",\"host\":".utf8) + json.withBytes { Array($0) } + Array(",\"frame\":".utf8)
  }
}
