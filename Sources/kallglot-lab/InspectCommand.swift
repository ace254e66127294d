import ArgumentParser
import Capture
import Foundation
import Inspection
import SansIO
import ScenarioModel

/// `kallglot-lab inspect`: what is in a capture.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Report what is in a capture: dialogs, registrations, RTP, and what is wrong.",
    discussion: """
      Reads pcap and pcapng from any tool, truncated files as far as they go. TLS and SRTP are decrypted where the capture carries its \
      secrets, or with --keylog; of what stays closed the report says why:
        kallglot-lab inspect out/basic/answered-udp/pbx.pcapng
        kallglot-lab inspect trunk.pcap --keylog keys.txt --filter 7a1b@pbx
        kallglot-lab inspect ci.pcap --fail-on warning
      A check is one of 'kallglot-lab rules'. Equal findings of several dialogs are one line with their count and the first frames.

      Exit codes: 0 every file was read and judged; 1 a finding is at or above --fail-on; 2 bad input, or a file is missing or not a \
      capture; 3 nothing could be judged, or --filter matches nothing. Of several files it is the worst, in the order 2, 3, 1, 0.
      """)

  @Argument(help: "Capture files: pcap or pcapng.")
  var files: [String]

  @Flag(help: "One JSON document (schema version 1) instead of text.")
  var json = false

  @Option(help: ArgumentHelp("Only dialogs and registrations whose Call-ID contains this.", valueName: "call-id"))
  var filter: String?

  @Flag(name: .customLong("no-ladder"), help: "Leave out the ladders.")
  var noLadder = false

  @Option(help: "Columns of the text.")
  var width: Int = 120

  @Option(help: "File with secrets of TLS and DTLS, as SSLKEYLOGFILE makes it, and keys of SRTP (see decrypt --help).")
  var keylog: String?

  @Option(help: ArgumentHelp("Exit with 1 for findings of this severity or worse: error, warning or note.", valueName: "severity"))
  var failOn: String?

  func run() throws {
    guard width >= 60, width <= 1_000 else { throw Complaint("--width is \(width), expected 60 to 1000") }
    let failOn = try severity()
    let inspector = Inspector(secrets: try secrets(), filter: filter)
    let style = InspectionReport.Style(width: width, hasLadders: !noLadder, filter: filter)
    var reports: [InspectionReport] = []
    var worst = InspectionExit.judged
    for (position, file) in files.enumerated() {
      do {
        let report = try Self.read(file, inspector)
        worst = max(worst, report.exit(failOn: failOn, style))
        if json { reports.append(report) } else { say(separator(position) + report.text(style).joined(separator: "\n")) }
      } catch let problem as Complaint {
        Console.complain("kallglot-lab: \(problem.sentence)")
        worst = .unreadable
      }
    }
    if json, !reports.isEmpty { Console.write(InspectionReport.json(reports, style)) }
    // What could not be written is bad input, whatever was read.
    if worst != .judged, Console.failure == nil { throw ExitWith(code: worst.rawValue) }
  }

  private func separator(_ position: Int) -> String { position == 0 ? "" : "\n\(String(repeating: "=", count: width))\n" }

  private func severity() throws -> InspectionFinding.Severity? {
    guard let failOn else { return nil }
    if let severity = InspectionFinding.Severity(rawValue: failOn) { return severity }
    let words = InspectionFinding.Severity.allCases.map(\.rawValue)
    throw Complaint("--fail-on is '\(failOn)', expected error, warning or note\(Spelling.hint(for: failOn, among: words))")
  }

  private func secrets() throws -> [Bytes] {
    guard let keylog else { return [] }
    return [try KeyLogs.read(keylog)]
  }

  private static func read(_ file: String, _ inspector: Inspector) throws -> InspectionReport {
    try Captures.checkIsFile(file)
    do { return try inspector.inspect(path: file) } catch { throw Captures.complaint(file, error) }
  }
}

/// Captures that a user named.
enum Captures {
  static func checkIsFile(_ file: String) throws {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), isFolder.boolValue {
      throw Complaint("\(file) is a folder, expected a pcap or pcapng file")
    }
  }

  static func complaint(_ file: String, _ error: CaptureReadError) -> Complaint {
    switch error.rule {
    case .unreadable(let failure): Complaint(failure.description)
    case .notACapture: Complaint("\(file) is neither pcapng nor pcap")
    case .foreign(let format): Complaint("\(file) is neither pcapng nor pcap; \(format)")
    default: Complaint("\(file) cannot be read: \(error)")
    }
  }
}
