import SansIO
import WireReader

extension InspectionReport {
  /// The RTP streams as a table; jitter and loss are Wireshark's numbers, but where a line below says why not.
  func streamLines(_ streams: [RTPStream]) -> [String] {
    guard !streams.isEmpty else { return [] }
    let head = ["from", "to", "SSRC", "codec", "packets", "lost", "late", "twice", "max delta", "mean jitter", "max jitter"]
    let rows = streams.prefix(200).map(Self.row)
    let widths = head.indices.map { column in max(head[column].count, rows.map { $0[column].count }.max() ?? 0) }
    func line(_ cells: [String]) -> String {
      "  "
        + cells.enumerated().map { column, cell in column < 4 ? Words.left(cell, widths[column]) : Words.right(cell, widths[column]) }
        .joined(separator: "  ")
    }
    var lines = ["", "RTP streams (delta and jitter in ms)", line(head)]
    for (stream, row) in zip(streams, rows) {
      lines.append(line(row))
      let more = details(stream)
      lines += Self.words(stream.digits).map { "      \($0)" }
      if !more.isEmpty { lines.append("      \(more.joined(separator: "; "))") }
      lines.append("      \(StreamScore.text(stream))")
    }
    if streams.count > rows.count { lines.append("  and \(streams.count - rows.count) more") }
    return lines
  }

  private static func row(_ stream: RTPStream) -> [String] {
    let statistics = stream.statistics
    func jitter(_ value: Double) -> String { stream.hasClock ? Words.decimal(value, 3) : "-" }
    let percent = stream.expected > 0 ? Double(stream.lost) * 100 / Double(stream.expected) : 0
    return [
      stream.key.source.description, stream.key.destination.description, ssrc(stream),
      Words.encoding(stream.codec) + (stream.isSignalled ? "" : " ?"),
      "\(statistics.packets)", "\(stream.lost) (\(Words.decimal(percent, 1)) %)", "\(stream.order.late)", "\(stream.order.duplicates)",
      Words.decimal(statistics.maximumDelta, 3), jitter(stream.meanJitter), jitter(stream.maximumJitter),
    ]
  }

  static func ssrc(_ stream: RTPStream) -> String {
    let digits = String(stream.key.ssrc, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Whether it was opened, and by what; what stayed closed, and why.
  private static func words(_ stream: RTPStream, _ protection: Protection) -> String {
    if protection.isUnknown { return "may be SRTP: SIP that would describe it was not opened" }
    let reason = protection.obstacle.map { ": \($0)" } ?? ""
    guard stream.openedPackets > 0 else { return "SRTP, closed\(reason)" }
    let source = protection.source == .keyLog ? "the key log" : "the capture\(protection.source.map { " (\($0.rawValue))" } ?? "")"
    let words = "SRTP, opened with a key of \(source)"
    return stream.closedPackets > 0 ? "\(words); \(Words.count(stream.closedPackets, "packet")) stayed closed\(reason)" : words
  }

  private func details(_ stream: RTPStream) -> [String] {
    var parts: [String] = []
    if !stream.isSignalled { parts.append("no SDP for it is in the capture: recognised by its RTP packets") }
    if stream.payloads.count > 1 {
      parts.append(stream.payloads.map { "\(Words.encoding(RTPStream.text($0))) \($0.packets)" }.joined(separator: ", "))
    }
    if let protection = protection(of: stream) { parts.append(Self.words(stream, protection)) }
    if let pause = stream.longestPause, pause.nanoseconds > 1_000_000_000 {
      parts.append("longest pause \(Words.seconds(pause.nanoseconds)) before frame \(pause.stamp.frame)")
    }
    if let level = stream.audio?.decibels {
      let tone = stream.audio?.tone.map { ", around \($0) Hz" } ?? ""
      parts.append("audio \(Words.decimal(level, 1)) dBm0\(tone), \(stream.audio?.silence ?? 0) % silence")
    }
    let differences = stream.differences.map(\.rawValue)
    if !differences.isEmpty { parts.append("counted otherwise than Wireshark does: \(differences.joined(separator: ", "))") }
    guard let reports = control[stream.key] else { return parts }
    var said: [String] = []
    if let sent = reports.packetsSent { said.append("sender says \(Words.count(Int(sent), "packet"))") }
    if let lost = reports.cumulativeLost { said.append("receiver says \(lost) lost, jitter up to \(reports.maximumJitter) ticks") }
    if let metrics = reports.metrics { said.append(StreamScore.text(metrics)) }
    if reports.saidGoodbye { said.append("BYE") }
    if !said.isEmpty { parts.append("RTCP: \(said.joined(separator: ", "))") }
    return parts
  }
}

extension RTPStream {
  /// Whether the clock rate of what it carries is known: without one there is no jitter.
  var hasClock: Bool {
    payloads.contains { use in
      use.type < 96 ? StaticPayloads.clockRate(use.type) != nil : use.encoding.map { !$0.isTelephoneEvent } ?? false
    }
  }
}
