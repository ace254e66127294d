import Capture
import Inspection
import Rules
import SansIO
import WireReader

/// Packets of a host, made of the input: what a reader says of them does not depend on the way it gets them, and is the same every time.
///
/// The input is a row of packets, each three bytes and a payload: what it is, how long it is (two bytes, the lower first).
enum ReaderTarget {
  private static let hosts = [IPAddress(v4: 0xC000_020A), IPAddress(v4: 0xC633_6414), IPAddress(high: 0x2001_0DB8 << 32, low: 1)]
  private static let ids = Set(RuleRegistry.ids)
  private static let mostPackets = 400

  static func run(_ input: [UInt8]) {
    let records = packets(input)
    guard !records.isEmpty else { return }
    let file = capture(records)
    let report = inspect(file, records.count)
    hold(report == inspect(file, records.count), "two runs say the same")
    hold(report == inspect(file, records.count, pieces: 1), "what is said does not depend on how the file is read")
    compare(records, file)
    keepLive(records)
  }

  // MARK: - Packets

  private static func packets(_ input: [UInt8]) -> [PacketRecord] {
    var records: [PacketRecord] = []
    var (position, now) = (0, Int64(0))
    var sequence: [UInt32] = [1_000, 2_000]
    while position + 3 <= input.count, records.count < mostPackets {
      let kind = input[position]
      let start = position + 3
      let end = min(start + Int(input[position + 1]) + Int(input[position + 2] & 15) * 256, input.count)
      position = end
      // A step is 20 ms, or half a minute.
      now += kind & 0x80 == 0 ? 20_000_000 : 30_000_000_000
      let payload = Bytes(Array(input[start..<end]))
      let side = Int(kind & 1)
      let carrier: PacketRecord.Carrier
      if kind & 0x06 == 2 {
        carrier = .tcp(TCPSegment(sequence: sequence[side], acknowledgement: sequence[1 - side], flags: flags(kind)))
        // A hole now and then.
        sequence[side] &+= UInt32(payload.count) &+ (kind & 0x60 == 0x60 ? 7 : 0)
      } else {
        carrier = .udp
      }
      let (source, destination) = (place(side, kind), place(1 - side, kind))
      records.append(
        PacketRecord(
          at: Instant(nanoseconds: now), host: HostID(0), frame: UInt32(records.count + 1), direction: side == 0 ? .sent : .received,
          carrier: carrier, source: source, destination: destination, payload: payload, label: .none))
    }
    return records
  }

  private static func flags(_ kind: UInt8) -> TCPSegment.Flags {
    switch kind & 0x18 {
    case 0x08: [.syn]
    case 0x10: [.fin, .ack]
    case 0x18: [.rst]
    default: [.psh, .ack]
    }
  }

  /// Signalling on 5060 or 5061, media on the ports that the seeds describe.
  private static func place(_ side: Int, _ kind: UInt8) -> TransportAddress {
    let host = hosts[side == 1 && kind & 0x40 != 0 && kind & 0x06 != 2 ? 2 : side]
    switch kind & 0x06 {
    case 0: return TransportAddress(host, port: 5_060)
    case 2: return TransportAddress(host, port: side == 0 ? 40_000 + UInt16(kind & 0x20) : 5_061)
    case 4: return TransportAddress(host, port: 10_000 + UInt16(side) * 10_000 + UInt16(kind & 0x18) / 4)
    default: return TransportAddress(host, port: 10_001 + UInt16(side) * 10_000 + UInt16(kind & 0x18) / 4)
    }
  }

  private static func capture(_ records: [PacketRecord]) -> Bytes {
    let file = CaptureFile(ByteOutput(), interface: "fuzz", epoch: .virtual)
    for record in records { file.append(record) }
    file.close()
    return file.output.bytes
  }

  // MARK: - Properties

  private static func inspect(_ file: Bytes, _ count: Int, pieces: Int = 0) -> String {
    guard let report = try? Inspector().inspect(pieces == 0 ? file : Bytes(file.array)) else { return "" }
    hold(report.frameCount == count, "every frame is counted once: \(report.frameCount) of \(count)")
    for finding in report.findings {
      hold(ids.contains(finding.check), "\(finding.check) is a rule of the registry")
      hold(finding.frame >= 0 && finding.frame <= count, "frame \(finding.frame) of \(count) is cited")
      hold(!finding.text.isEmpty, "a finding has words")
    }
    _ = report.text()
    return InspectionReport.json([report])
  }

  /// A tap and the capture of it.
  private static func compare(_ records: [PacketRecord], _ file: Bytes) {
    let (tap, passive) = (PassiveReader(path: "fuzz"), PassiveReader(path: "fuzz"))
    for record in records { _ = tap.take(record) }
    _ = tap.finish(problem: nil)
    guard var reader = try? CaptureReader(file) else { return }
    while let packet = try? reader.nextPacket() { _ = passive.take(packet) }
    _ = passive.finish(problem: nil)
    hold(summary(tap) == summary(passive), "a tap says what its capture says: \(summary(tap)) and \(summary(passive))")
  }

  private static func summary(_ reader: PassiveReader) -> [Int] {
    let streams = reader.streams.credible
    return [
      reader.facts.frames, reader.facts.copiedFrames, reader.facts.udpOther, reader.counts.total, reader.counts.repeated,
      reader.counts.unreadable, reader.dialogs.seen, streams.count, streams.reduce(0) { $0 + $1.statistics.packets },
      streams.reduce(0) { $0 + $1.lost }, reader.connections.totals.connections, reader.connections.totals.lost,
      reader.streams.control.packets,
    ]
  }

  /// What has ended is handed over once, and what is left in the end is what lives.
  private static func keepLive(_ records: [PacketRecord]) {
    let reader = PassiveReader(path: "fuzz", keeps: .live)
    var handed = 0
    for record in records {
      _ = reader.take(record)
      handed += reader.release(at: record.at).conversations.count
    }
    hold(handed + reader.dialogs.conversations.count <= reader.dialogs.seen, "a conversation is handed over once")
    let end = records.last?.at ?? .zero
    _ = reader.release(at: end.advanced(by: .seconds(400 * 86_400)))
    hold(reader.streams.credible.isEmpty, "no stream is kept for ever")
  }
}
