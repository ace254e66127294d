import SIPMessage
import SansIO
import WireReader

/// The messages of a conversation as arrows between hosts, in ASCII; RTP streams are one arrow each.
struct Ladder {
  private struct Step {
    var stamp: FrameStamp
    var source: Int
    var destination: Int
    var label: String
    var isMedia: Bool
  }

  /// Columns that arrows are drawn between; with more hosts each step is a line of text.
  private static let mostColumns = 5
  private static let margin = 21
  private static let mostRows = 400

  private let report: InspectionReport
  private let width: Int
  private var names: [String] = []
  private var columns: [TransportAddress: Int] = [:]
  private var byAddress = true
  private var steps: [Step] = []
  private var leftOut = 0

  init(_ report: InspectionReport, _ conversation: Conversation, width: Int) {
    self.init(report, conversation.rows.prefix(Self.mostRows), of: conversation, width: width)
    leftOut = conversation.rowsLeftOut + max(conversation.rows.count - Self.mostRows, 0)
  }

  /// Of a registration its own messages: its Call-ID may hold those of others.
  init(_ report: InspectionReport, _ registration: RegistrationTable.Registration, in conversation: Conversation, width: Int) {
    let own = conversation.rows.filter { registration.frames.contains($0.stamp.frame) }
    self.init(report, own[...], of: conversation, width: width)
    leftOut = registration.messages - own.count
  }

  private init(_ report: InspectionReport, _ rows: ArraySlice<Conversation.Row>, of conversation: Conversation, width: Int) {
    self.report = report
    self.width = width
    // Hosts are addresses; where all share one, as on a loopback, ports tell them apart.
    let hosts = Set(rows.flatMap { [$0.source.address, $0.destination.address] })
    byAddress = hosts.count > 1
    let hasTransports = conversation.transports.count > 1
    for row in rows {
      steps.append(
        Step(
          stamp: row.stamp, source: column(row.source), destination: column(row.destination),
          label: Self.label(row, hasTransport: hasTransports), isMedia: false))
    }
    for stream in report.streams(of: conversation) {
      let lost = stream.lost == 0 ? "" : ", \(stream.lost) lost"
      let (source, destination) = columns(of: stream)
      steps.append(
        Step(
          stamp: stream.first, source: source, destination: destination,
          label: "RTP \(Words.encoding(stream.codec)), \(Words.count(stream.statistics.packets, "packet"))\(lost)", isMedia: true))
    }
    steps.sort { $0.stamp.frame < $1.stamp.frame }
  }

  private mutating func column(_ address: TransportAddress) -> Int {
    let key = byAddress ? TransportAddress(address.address, port: 0) : address
    if let known = columns[key] { return known }
    names.append(byAddress ? address.address.description : address.description)
    columns[key] = names.count - 1
    return names.count - 1
  }

  /// Media has columns of its own hosts: its way need not be that of the signalling. Where all share one address, its descriptions tell
  /// whose it is.
  private mutating func columns(of stream: RTPStream) -> (source: Int, destination: Int) {
    if !byAddress, let sender = stream.sender?.owner, let receiver = stream.receiver?.owner, sender != receiver {
      return (column(sender), column(receiver))
    }
    return (column(stream.key.source), column(stream.key.destination))
  }

  private static func label(_ row: Conversation.Row, hasTransport: Bool) -> String {
    var text =
      switch row.content {
      case .request(let method): method.token
      case .response(let status, let phrase): "\(status) \(phrase)".trimmingSpaces
      }
    if row.hasDescription { text += " (SDP)" }
    if hasTransport { text += " \(row.transport.rawValue.uppercased())" }
    if row.repetition > 0 { text += row.repetition == 1 ? " (again)" : " (again, copy \(row.repetition + 1))" }
    return text
  }

  var lines: [String] {
    guard !steps.isEmpty else { return [] }
    var lines = names.count > Self.mostColumns || names.count < 2 ? list : drawing
    if leftOut > 0 { lines.append("  \(leftOut) more messages are not drawn") }
    return lines
  }

  private func prefix(_ stamp: FrameStamp) -> String { "  \(Words.right(report.time(stamp), 9)) #\(Words.left(String(stamp.frame), 7)) " }

  // MARK: - Arrows

  private var spacing: Int {
    let room = max(width - Self.margin - 8, 20) / max(names.count - 1, 1)
    return min(max(room, 20), 48)
  }

  /// Where a host's line stands.
  private func position(_ column: Int) -> Int { Self.margin + 8 + column * spacing }

  private var drawing: [String] {
    var heading = Cells(count: position(names.count - 1) + 24)
    heading.put("  " + Words.right("seconds", 9) + " frame", at: 0)
    for (column, name) in names.enumerated() {
      let text = Words.clipped(name, spacing - 2)
      heading.put(text, at: max(position(column) - text.utf8.count / 2, 0))
    }
    return [heading.text.trimmingSpaces] + steps.map(arrow)
  }

  private func arrow(_ step: Step) -> String {
    var cells = Cells(count: position(names.count - 1) + 1)
    for column in names.indices { cells.put("|", at: position(column)) }
    cells.put(prefix(step.stamp), at: 0)
    guard step.source != step.destination else { return "\(cells.text) \(step.label) (to itself)" }
    let (left, right) = (position(min(step.source, step.destination)), position(max(step.source, step.destination)))
    cells.fill(left + 1..<right, with: step.isMedia ? "=" : "-")
    cells.put(step.destination > step.source ? ">" : "<", at: step.destination > step.source ? right - 1 : left + 1)
    let label = " " + Words.clipped(step.label, right - left - 9) + " "
    cells.put(label, at: left + (right - left - label.unicodeScalars.count) / 2 + 1)
    return cells.text
  }

  /// A line of ASCII that is written in any order; what is not ASCII becomes `?`.
  private struct Cells {
    private var bytes: [UInt8]

    init(count: Int) { bytes = [UInt8](repeating: 32, count: count) }

    mutating func put(_ text: String, at start: Int) {
      var position = start
      for scalar in text.unicodeScalars {
        guard bytes.indices.contains(position) else { return }
        bytes[position] = scalar.isASCII ? UInt8(truncatingIfNeeded: scalar.value) : UInt8(ascii: "?")
        position += 1
      }
    }

    mutating func fill(_ range: Range<Int>, with character: Unicode.Scalar) {
      for position in range where bytes.indices.contains(position) { bytes[position] = UInt8(truncatingIfNeeded: character.value) }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  // MARK: - Text

  private var list: [String] {
    steps.map { "\(prefix($0.stamp))\(names[$0.source]) -> \(names[$0.destination])  \($0.isMedia ? "== " : "")\($0.label)" }
  }
}
