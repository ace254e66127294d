import SIPMessage
import SansIO
import Testing

/// The messages of `fixtures/torture`, after RFC 4475, RFC 5118 and what products really send.
@Suite struct TortureTests {
  private static let required: [String] =
    (1...13).map { "RFC 4475 §3.1.1.\($0)" } + (1...19).map { "RFC 4475 §3.1.2.\($0)" } + ["RFC 4475 §3.2.1"]
    + (1...15).map { "RFC 4475 §3.3.\($0)" } + ["RFC 4475 §3.4.1"] + (1...10).map { "RFC 5118 §4.\($0)" }

  @Test func `each of the 49 sections of RFC 4475 and the ten of RFC 5118 has a message, with what it exercises and why`() {
    let sections = Set(TortureCase.all.compactMap { $0.first("section") })
    #expect(Self.required.count == 59)
    for section in Self.required { #expect(sections.contains(section), "no message for \(section)") }
    for item in TortureCase.all {
      for key in ["section", "point", "why", "parse", "answer"] { #expect(item.first(key) != nil, "\(item) has no \(key)") }
    }
  }

  @Test(arguments: TortureCase.all)
  func `the parser takes it or names the rule it breaks`(item: TortureCase) throws {
    let expected = try #require(item.first("parse"))
    let message: SIPMessage
    do throws(SIPParseError) {
      message = try item.first("over") == "tcp" ? firstFrame(item.message) : SIPMessage.parse(item.message)
    } catch {
      #expect(error.words.hasPrefix(expected), "\(error)")
      return
    }
    #expect(expected == "accepted", "it was accepted")
    let faults = message.faults().map(\.words)
    let wanted = item.all("fault")
    #expect(faults.count == wanted.count, "\(faults)")
    for text in wanted { #expect(faults.contains { $0.hasPrefix(text) }, "\(text) is not among \(faults)") }
    for reading in item.all("reads") {
      #expect(Reading.holds(reading, in: message), "\(reading), but it reads \(Reading.text(reading, in: message))")
    }
  }

  /// What a stream gives; a message that is not whole is read as far as it goes.
  private func firstFrame(_ bytes: Bytes) throws(SIPParseError) -> SIPMessage {
    var framer = StreamFramer()
    framer.append(bytes)
    if case .message(let message) = try framer.next() { return message }
    return try SIPMessage.parse(Bytes(bytes.text.replacing("Content-Length: 9999\r\n", with: "")))
  }

  @Test(arguments: TortureCase.all)
  func `the endpoint answers as it should, and nothing stays behind`(item: TortureCase) throws {
    let over = item.first("over") ?? "udp"
    let bench = TortureBench(over: over, digest: item.first("policy") == "digest")
    bench.send(item.message)
    if item.first("closes") != nil { bench.pair.run(.seconds(33)) }
    var finals: [SIPMessage] = []
    // The repetitions of a 2xx are the same answer.
    for answer in bench.answers where (answer.status ?? 0) >= 200 && !finals.contains(where: { $0.bytes == answer.bytes }) {
      finals.append(answer)
    }
    let expected = try #require(item.first("answer"))
    let statuses = finals.compactMap(\.status).map(String.init).joined(separator: " ")
    #expect((statuses.isEmpty ? "none" : statuses) == expected, "\(finals.map { $0.bytes.text }) \(bench.unreadable)")
    for line in item.all("has") {
      #expect(finals.contains { $0.has(line) }, "\(line) is not in \(finals.map { $0.bytes.text })")
    }
    for answer in bench.answers { #expect(answer.hasLegalWords, "\(answer.bytes.text)") }
    #expect(bench.closures.isEmpty == (item.first("closes") == nil), "\(bench.closures)")
    bench.settle()
    #expect(bench.unreadable.isEmpty)
    let leftovers = bench.leftovers(connections: over != "tcp" || item.first("closes") != nil)
    #expect(leftovers.isEmpty, "\(leftovers)")
  }
}

extension SIPMessage {
  /// Whether the Reason-Phrase keeps to its grammar and every Warning can be read, whatever was quoted in it (RFC 3261 §25.1).
  fileprivate var hasLegalWords: Bool {
    let marks = Set(";/?:@&=+$,-_.!~*'()% \t".utf8)
    let isLegal = reasonPhrase?.allSatisfy { byte in
      marks.contains(byte) || byte >= 0x80 || (byte < 0x80 && Character(UnicodeScalar(byte)).isLetter) || (48...57).contains(byte)
    }
    return isLegal != false && (try? warnings()) != nil
  }

  /// Whether a line is there; `~` = one that begins so.
  fileprivate func has(_ line: String) -> Bool {
    let isPrefix = line.hasPrefix("~")
    let wanted = TortureCase.expanded(isPrefix ? String(line.dropFirst()) : line)
    let lines = bytes.array.split(separator: 10, omittingEmptySubsequences: false).map { $0.last == 13 ? $0.dropLast() : $0 }
    return lines.contains { isPrefix || line.hasPrefix("Allow") ? $0.starts(with: wanted) : $0.elementsEqual(wanted) }
  }
}
