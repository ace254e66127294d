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
  @exclusivity(unchecked) private var scratch = JSONLine()

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
    var line = JSONLine()
    line.open("{")
    line.name("hostAdded")
    line.value(name)
    line.name("number")
    line.value(Int64(host.rawValue))
    write(&line)
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
    var line = scratch
    scratch = JSONLine.none
    defer { scratch = line }
    line.clear()
    line.open("{")
    line.name("t")
    line.value(record.at.nanoseconds)
    line.name("host")
    line.value(name(of: record.host))
    switch record.body {
    case .secret, .plaintext: return
    case .event(let event): Self.event(event, to: &line)
    case .step(let text): Self.pair("step", text, to: &line)
    case .note(let text): Self.pair("note", text, to: &line)
    case .bound(let address, let kind): Self.port("bound", address, kind, to: &line)
    case .unbound(let address, let kind): Self.port("unbound", address, kind, to: &line)
    case .bindFailed(let address, let failure):
      Self.pair("bindFailed", address.description, to: &line)
      Self.pair("why", failure.description, to: &line)
    case .finding(let text, let frames):
      Self.pair("finding", text, to: &line)
      line.name("frames")
      line.open("[")
      for frame in frames { line.value("\(name(of: frame.host))#\(frame.frame)") }
      line.close("]")
    }
    write(&line)
  }

  public func finish(at now: Instant) { output.close() }

  private func write(_ line: inout JSONLine) {
    line.close("}")
    line.end()
    output.append(Bytes(line.bytes))
  }

  private func name(of host: HostID) -> String {
    if host == .stage { return "stage" }
    return Int(host.rawValue) < names.count ? names[Int(host.rawValue)] : "host-\(host.rawValue)"
  }

  private static func prefix(_ name: String) -> [UInt8] {
    Array(",\"host\":".utf8) + JSONLine.quoted(name) + Array(",\"frame\":".utf8)
  }
}

extension JournalFile {
  private static func pair(_ name: String, _ value: String, to line: inout JSONLine) {
    line.name(name)
    line.value(value)
  }

  private static func port(_ what: String, _ address: TransportAddress, _ kind: PortKind, to line: inout JSONLine) {
    pair(what, address.description, to: &line)
    switch kind {
    case .datagram: pair("kind", "datagram", to: &line)
    case .listener: pair("kind", "listener", to: &line)
    }
  }

  /// The fields stand in an object of their own, so that none of their names can hide one of ours.
  private static func event(_ event: any HostEvent, to line: inout JSONLine) {
    pair("event", event.journalName, to: &line)
    line.name("fields")
    line.open("{")
    for field in event.journalFields {
      line.name(field.name)
      switch field.value {
      case .text(let text): line.value(text)
      case .integer(let number): line.value(number)
      case .flag(let flag): line.value(flag)
      case .address(let address): line.value(address.description)
      }
    }
    line.close("}")
  }
}
