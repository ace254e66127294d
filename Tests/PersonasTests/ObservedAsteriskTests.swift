import Foundation
import CallControl
import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import Personas

/// A message of a real Asterisk, and how the persona comes to write the same one.
struct Observation: Sendable, CustomTestStringConvertible {
  let file: String
  /// What the persona does not claim, as lines of a difference: the only ones that may differ.
  var withheld: [String] = []
  /// The body shows features of another call (SDES, ICE, Opus).
  var comparesBody = true
  let produce: @Sendable (PersonaProfile) throws -> SIPMessage

  var testDescription: String { file }

  init(
    _ file: String, withheld: [String] = [], comparesBody: Bool = true, produce: @escaping @Sendable (PersonaProfile) throws -> SIPMessage
  ) {
    self.file = file
    self.withheld = withheld
    self.comparesBody = comparesBody
    self.produce = produce
  }

  static func text(_ file: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return String(
      decoding: try Data(contentsOf: root.appendingPathComponent("captures/observed/asterisk-22.10.1/\(file).sip")), as: UTF8.self)
  }
}

/// What is made anew in each message, replaced by its form: identifiers, ports, lengths, digests. Everything else is compared as it stands.
enum Form {
  private static let rules: [(String, String)] = [
    ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<UUID>"), ("line=[a-z]{7}(?=[>;])", "line=<7 letters>"),
    ("^(Content-Length: +)\\d+$", "$1<number>"), ("^m=audio \\d{5} ", "m=audio <port> "),
    ("^o=(\\S+) \\d{5,10} \\d{5,10} ", "o=$1 <number> <number> "),
    ("nonce=\"\\d{10}/[0-9a-f]{32}\",opaque=\"[0-9a-f]{16}\"", "nonce=\"<seconds/32 hex>\",opaque=\"<16 hex>\""),
    ("response=\"[0-9a-f]{32}\"", "response=\"<32 hex>\""), ("cnonce=\"[0-9a-f]{32}\"", "cnonce=\"<32 hex>\""),
  ]

  static func lines(_ message: String, body: Bool = true) -> [String] {
    let isResponse = message.hasPrefix("SIP/2.0")
    let text = body ? message : String(message[..<(message.range(of: "\r\n\r\n")?.lowerBound ?? message.endIndex)])
    return text.components(separatedBy: "\r\n").map { line in
      // Responses copy CSeq; requests begin where the product likes.
      let start =
        isResponse ? line : line.replacingOccurrences(of: "^CSeq: \\d{1,5} ", with: "CSeq: <number> ", options: .regularExpression)
      return rules.reduce(start) { $0.replacingOccurrences(of: $1.0, with: $1.1, options: .regularExpression) }
    }
  }

  /// `- line` is the product's alone, `+ line` the persona's alone.
  static func difference(_ product: [String], _ persona: [String]) -> [String] {
    persona.difference(from: product).map { change in
      switch change {
      case .remove(_, let line, _): "- \(line)"
      case .insert(_, let line, _): "+ \(line)"
      }
    }.sorted()
  }
}

@Suite struct ObservedAsteriskTests {
  @Test(arguments: Observation.all)
  func `the persona that claims everything writes what Asterisk wrote, field by field`(observation: Observation) throws {
    let product = Form.lines(try Observation.text(observation.file), body: observation.comparesBody)
    let persona = Form.lines(try observation.produce(PersonaProfile.asterisk22.claimingEverything).text, body: observation.comparesBody)
    #expect(Form.difference(product, persona) == [])
  }

  @Test(arguments: Observation.all)
  func `the persona differs from Asterisk in what it does not speak, and in nothing else`(observation: Observation) throws {
    let product = Form.lines(try Observation.text(observation.file), body: observation.comparesBody)
    let persona = Form.lines(try observation.produce(.asterisk22).text, body: observation.comparesBody)
    #expect(Form.difference(product, persona) == observation.withheld.sorted())
  }

  @Test func `a length says how long the body is`() throws {
    for observation in Observation.all {
      let message = try observation.produce(.asterisk22)
      #expect(message.value("Content-Length") == String(message.body.count))
    }
  }

  @Test func `every observed file is compared, or is what the scripted peer sent`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.appendingPathComponent("captures/observed/asterisk-22.10.1").path
    let files = Set(
      try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".sip") }.map { String($0.dropLast(4)) })
    let peers: Set = [
      "called-invite", "called-cancelled-invite", "called-cancel", "called-reinvite-hold", "called-reinvite-t38", "called-require-invite",
      "called-stranger-invite", "register-401", "asked-options",
    ]
    #expect(files == peers.union(Observation.all.map(\.file)))
  }

  @Test func `one byte that differs is seen`() throws {
    let product = Form.lines(try Observation.text("invite"))
    let text = try Observation.all[0].produce(PersonaProfile.asterisk22.claimingEverything).text
    for (old, new) in [
      ("Content-Length:   ", "Content-Length: "), (";rport;", ";RPORT;"), ("a=ptime:20", "a=ptime:30"), ("Min-SE: 90", "Min-SE:  90"),
    ] {
      #expect(text.contains(old))
      #expect(Form.difference(product, Form.lines(text.replacingOccurrences(of: old, with: new))).count == 2)
    }
  }
}
