import Foundation

/// What two readers say of one capture, and where it is not the same.
struct Comparison {
  enum Standing { case same, known, differs }

  struct Difference {
    /// `INVITE: inspect 3, tshark 4`.
    var text: String
    /// The rule of a reader, or the layer that is not read, that it follows from; nil = it is a fault of one of them.
    var reason: String?
  }

  let file: String
  /// In the order in which they are found: SIP, RTP, time.
  private(set) var differences: [Difference] = []
  /// `7 SIP messages, 2 RTP streams`.
  private var content = ""

  var standing: Standing {
    differences.contains { $0.reason == nil } ? .differs : differences.isEmpty ? .same : .known
  }

  /// One line for the file, and one for each difference.
  var lines: [String] {
    let word =
      switch standing {
      case .same: "same   "
      case .known: "known  "
      case .differs: "DIFFERS"
      }
    return ["\(word) \(file): \(content)"] + differences.filter { $0.reason == nil }.map { "          \($0.text)" } + knownLines
  }

  /// One line for each reason.
  private var knownLines: [String] {
    var groups: [(reason: String, texts: [String])] = []
    for difference in differences {
      guard let reason = difference.reason else { continue }
      if let known = groups.firstIndex(where: { $0.reason == reason }) {
        groups[known].texts.append(difference.text)
      } else {
        groups.append((reason, [difference.text]))
      }
    }
    return groups.map { "          known, \($0.reason): \($0.texts.joined(separator: "; "))" }
  }

  static func read(_ file: String, program: String, folder: Folder) -> Comparison {
    var comparison = Comparison(file: file)
    do {
      let theirs = try Tshark.read(file, folder: folder)
      let duration = try Tshark.duration(file, folder: folder)
      do throws(ReadingFailure) {
        comparison.compare(try OwnReading.read(file, program: program, folder: folder), theirs, duration)
      } catch {
        comparison.content = "not read by inspect"
        // What neither reads is no capture.
        let isEmpty = theirs.messages.isEmpty && theirs.streams.isEmpty && duration == nil
        comparison.differences.append(Difference(text: error.reason, reason: isEmpty ? "tshark reads nothing either" : nil))
      }
    } catch {
      comparison.content = "not read by tshark"
      comparison.differences.append(Difference(text: "tshark cannot be run: \(error)", reason: nil))
    }
    return comparison
  }

  init(file: String) { self.file = file }

  mutating func compare(_ ours: OwnReading, _ theirs: (streams: Set<Tshark.Stream>, messages: [String: Int]), _ duration: Double?) {
    content = "\(ours.messages.total) SIP messages, \(ours.streams.count) RTP streams"
    compareMessages(ours, theirs.messages)
    compareStreams(ours, theirs.streams)
    guard let duration, abs(duration - ours.duration) > 0.000_002 else { return }
    add("duration: inspect \(ours.duration) s, capinfos \(duration) s", ours.problem.map { "the file is damaged: \($0)" })
  }

  private mutating func add(_ text: String, _ reason: String?) { differences.append(Difference(text: text, reason: reason)) }

  // MARK: - SIP

  private mutating func compareMessages(_ ours: OwnReading, _ theirs: [String: Int]) {
    let mine = ours.messages.requests.merging(ours.messages.responses) { $0 + $1 }
    // tshark gives a method even to what cannot be read.
    let sums = (mine.values.reduce(ours.messages.unreadable, +), theirs.values.reduce(0, +))
    if ours.messages.unreadable > 0, sums.0 == sums.1 { return }
    for name in Set(mine.keys).union(theirs.keys).sorted() where mine[name] ?? 0 != theirs[name] ?? 0 {
      let (own, other) = (mine[name] ?? 0, theirs[name] ?? 0)
      add("\(name): inspect \(own), tshark \(other)", Self.reason(ours, own, other))
    }
  }

  private static func reason(_ ours: OwnReading, _ own: Int, _ other: Int) -> String? {
    if own > other {
      if ours.findings.contains(where: { $0.text.contains("has no space behind its status code") }) {
        return "tshark reads no status line that ends behind its code"
      }
      guard ours.hasStreamTransport else { return nil }
      return ours.unread.missingStreamBytes > 0
        ? "tshark reads nothing behind a hole in a stream" : "tshark reads one message a segment, and streams at the ports of SIP alone"
    }
    if ours.capturedTwice >= other - own { return "\(ours.capturedTwice) datagrams were captured twice, and are counted once" }
    if !ours.unread.frames.isEmpty {
      return "not read: " + ours.unread.frames.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
    if ours.unread.closedTLSBytes > 0 { return "TLS that was not decrypted" }
    return nil
  }

  // MARK: - RTP

  private struct Key: Hashable {
    var source: String
    var destination: String
    var ssrc: UInt32
  }

  private mutating func compareStreams(_ ours: OwnReading, _ theirs: Set<Tshark.Stream>) {
    let mine = Dictionary(grouping: ours.streams) { Key(source: $0.source, destination: $0.destination, ssrc: $0.ssrc) }
    let others = Dictionary(grouping: theirs) {
      Key(source: Self.place($0.source), destination: Self.place($0.destination), ssrc: $0.ssrc)
    }
    for key in Set(mine.keys).union(others.keys).sorted(by: { ($0.source, $0.destination, $0.ssrc) < ($1.source, $1.destination, $1.ssrc) })
    {
      let name = "RTP \(key.source) to \(key.destination)"
      guard let own = mine[key], let other = others[key] else {
        // tshark knows streams by their description alone.
        let isGuessed = mine[key]?.allSatisfy { !$0.signalled } ?? false
        let has = mine[key] == nil ? "tshark alone has it" : "inspect alone has it"
        add("\(name): \(has)", isGuessed ? "it is not described in SIP, which tshark needs" : Self.reason(ours))
        continue
      }
      guard own.count == 1, other.count == 1 else {
        if own.count != other.count {
          add("\(name): inspect \(own.count) streams, tshark \(other.count)", "a source that begins anew is one stream or two")
        }
        continue
      }
      compare(own[0], other[0], name)
    }
  }

  private static func reason(_ ours: OwnReading) -> String? {
    if let unread = ours.unread.frames.max(by: { $0.value < $1.value }) { return "not read: \(unread.value) \(unread.key)" }
    return ours.capturedTwice > 0 ? "\(ours.capturedTwice) datagrams were captured twice, and are counted once" : nil
  }

  private mutating func compare(_ own: OwnReading.Stream, _ other: Tshark.Stream, _ name: String) {
    let reason = own.differsFromWireshark.isEmpty ? nil : own.differsFromWireshark.joined(separator: ", ")
    if own.packets != other.packets { add("\(name): inspect \(own.packets) packets, tshark \(other.packets)", reason) }
    if own.lost != other.lost {
      let clamped = own.lost == 0 && other.lost < 0 ? "less than nothing is not lost" : nil
      add("\(name): inspect \(own.lost) lost, tshark \(other.lost)", reason ?? clamped)
    }
    let figures = [
      ("max delta", own.maxDelta as Double?, other.maximumDelta), ("mean jitter", own.meanJitter, other.meanJitter),
      ("max jitter", own.maxJitter, other.maximumJitter),
    ]
    for (figure, value, text) in figures where !Self.isSame(value, text) {
      let clock = value == nil ? "the clock is not known: not measured" : reason
      add("\(name): \(figure) inspect \(value.map { String(format: "%.3f", $0) } ?? "-"), tshark \(text)", clock)
    }
  }

  private static func isSame(_ value: Double?, _ text: String) -> Bool {
    guard let value, let other = Double(text) else { return value == nil && Double(text) == nil }
    return abs(value - other) < 0.001_1
  }

  /// `192.0.2.1 4000` as inspect writes it.
  private static func place(_ words: String) -> String {
    let parts = words.split(separator: " ")
    guard parts.count == 2 else { return words }
    return parts[0].contains(":") ? "[\(parts[0])]:\(parts[1])" : "\(parts[0]):\(parts[1])"
  }
}
