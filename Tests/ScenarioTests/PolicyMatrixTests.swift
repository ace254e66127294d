import Foundation
import ScenarioEngine
import ScenarioModel
import Testing

/// One cell of transport × Require TLS × Require SRTP × offer × allowlist × codecs × account.
private struct Cell: Hashable {
  var transport: String
  var requiresTLS: Bool
  var requiresSRTP: Bool
  /// `off` is RTP/AVP, `osrtp` RTP/AVP with keys, `require` RTP/SAVP, `best-effort` both.
  var offer: String
  var isListed: Bool
  var hasCommonCodec: Bool
  var account: Account

  enum Account: CaseIterable { case known, unknown, wrongPassword }

  static let all: [Cell] = ["udp", "tcp", "tls"].flatMap { transport in
    [false, true].flatMap { tls in
      [false, true].flatMap { srtp in
        ["off", "osrtp", "require", "best-effort"].flatMap { offer in
          [false, true].flatMap { listed in
            [false, true].flatMap { codec in
              Account.allCases.map {
                Cell(
                  transport: transport, requiresTLS: tls, requiresSRTP: srtp, offer: offer, isListed: listed, hasCommonCodec: codec,
                  account: $0)
              }
            }
          }
        }
      }
    }
  }

  /// What decided: from the front as many of its coordinates as were looked at.
  func decisive(_ step: Outcome.Step) -> [String] {
    let coordinates = [transport, "\(requiresTLS)", "\(isListed)", "\(account)", "\(requiresSRTP)", offer, "\(hasCommonCodec)"]
    return Array(coordinates.prefix(step.rawValue))
  }
}

/// What has to become of a call.
private struct Outcome: Hashable {
  /// By how many coordinates it is decided, in the order of contract 8.1.
  enum Step: Int { case transport = 2, source = 3, account = 4, offer = 7 }

  var step: Step
  /// `403 requireTLS signalling came over UDP`, `488 302 …`, `SRTP`, `RTP`.
  var text: String

  /// From the last step to the first, each of which overrules what comes after it.
  init(_ cell: Cell) {
    let isSecret = cell.offer != "off"
    (step, text) = (.offer, isSecret ? "SRTP" : "RTP")
    if !cell.hasCommonCodec { text = "488 305 Incompatible media format" }
    if cell.requiresSRTP, !isSecret { text = "488 302 Incompatible transport protocol" }
    switch cell.account {
    case .known: break
    case .unknown: (step, text) = (.account, "403 authentication unknown username")
    case .wrongPassword: (step, text) = (.account, "403 authentication response does not match the password")
    }
    if !cell.isListed { (step, text) = (.source, "403 allowlist 192.0.2.20 is not in 203.0.113.1/32") }
    if cell.requiresTLS, cell.transport != "tls" {
      (step, text) = (.transport, "403 requireTLS signalling came over \(cell.transport.uppercased())")
    }
  }
}

/// The rows of the files `scenarios/policy/matrix-*.yaml`, read from the names of their scenarios.
private struct MatrixRow {
  var name: String
  var cell: Cell
  var outcome: String

  init?(_ name: String) {
    let parts = name.split(separator: "[")
    guard parts.count == 2 else { return nil }
    let values = parts[1].dropLast().components(separatedBy: ", ")
    guard values.count >= 8 else { return nil }
    self.name = name
    let account: Cell.Account = values[6] == "ghost" ? .unknown : values[7] == "in-the-portal" ? .known : .wrongPassword
    cell = Cell(
      transport: values[0], requiresTLS: values[1] == "true", requiresSRTP: values[2] == "true", offer: values[3],
      isListed: values[4] == "192.0.2.20", hasCommonCodec: values[5] == "PCMU", account: account)
    let rest = values.dropFirst(8).joined(separator: " ")
    switch parts[0] {
    case _ where parts[0].hasSuffix("matrix-refused"): outcome = "403 \(rest)"
    case _ where parts[0].hasSuffix("matrix-488"): outcome = "488 \(rest)"
    case _ where parts[0].hasSuffix("matrix-srtp"): outcome = "SRTP"
    case _ where parts[0].hasSuffix("matrix-rtp"): outcome = "RTP"
    default: return nil
    }
  }
}

@Suite struct PolicyMatrixTests {
  private func rows() throws -> [MatrixRow] {
    let files = ["refused", "488", "srtp", "rtp"].map { "\(Place.root)/scenarios/policy/matrix-\($0).yaml" }
    let (scenarios, problems) = ScenarioLibrary.load(files)
    try #require(problems.isEmpty && !scenarios.isEmpty)
    return try scenarios.map { try #require(MatrixRow($0.name), "\($0.name)") }
  }

  @Test func `each row of the matrix expects what contract 8.1 says of its cell`() throws {
    for row in try rows() { #expect(row.outcome == Outcome(row.cell).text, "\(row.name)") }
  }

  @Test func `each of the 576 cells is explained by exactly one row, which agrees with it in all that decides`() throws {
    let rows = try rows()
    #expect(Cell.all.count == 576 && Set(Cell.all).count == 576)
    for cell in Cell.all {
      let outcome = Outcome(cell)
      let explaining = rows.filter { row in
        let step = Outcome(row.cell).step
        return step == outcome.step && row.cell.decisive(step) == cell.decisive(step)
      }
      #expect(explaining.count == 1 && explaining[0].outcome == outcome.text, "\(cell): \(explaining.map(\.name))")
    }
  }

  @Test func `no row is for a cell that another one explains`() throws {
    let rows = try rows()
    let classes = rows.map { row in "\(Outcome(row.cell).step) \(row.cell.decisive(Outcome(row.cell).step))" }
    #expect(Set(classes).count == rows.count)
  }
}
