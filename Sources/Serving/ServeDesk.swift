import Kallglot
import CallControl
import Inspection
import SIPUserAgent
import SansIO
import ScenarioModel

/// What a served endpoint tells people and programs: its log, its table of calls, its status file, its summary. Belongs to the loop.
final class ServeDesk {
  let log: ServeLog
  private let time: WallTime
  private let folder: String?
  /// Under load a line for each event costs more than the call.
  private let logsCalls: Bool
  // Touched for every event by code that cannot overlap itself.
  @exclusivity(unchecked) private var calls: CallLog
  private var status: StatusFile?
  private var capturedCalls = 0
  /// nil = nobody judges the packets.
  private var findings: FindingLog?
  /// What observers could say at the end.
  private var proof: PolicyProof?

  init(
    _ configuration: ServeConfiguration, folder: String?, epoch: Epoch, logsCalls: Bool, isJudged: Bool,
    console: @escaping @Sendable (String) -> Void
  ) {
    self.folder = folder
    findings = isJudged ? FindingLog() : nil
    self.logsCalls = logsCalls
    time = WallTime(epoch: epoch)
    log = ServeLog(epoch: epoch, path: folder.map { "\($0)/serve.log" }, console: console)
    calls = CallLog(
      after: folder.map(StatusFile.lastLeg) ?? 0, singleUse: Set(configuration.sessions.filter { !$0.isReusable }.map(\.id)),
      isJudged: isJudged, masksDigits: configuration.masksDigits)
    status = folder.map { StatusFile(folder: $0, time: time) }
  }

  func leg(numbered number: Int) -> LegID? { calls.book.leg(numbered: number) }
  func asked(for change: SessionChange, on leg: LegID) { calls.asked(for: change, on: leg) }

  func take(_ event: EndpointEvent, at now: Instant) {
    guard logsCalls || Self.isProblem(event) else { return calls.note(event, at: now) }
    if let line = calls.line(for: event, at: now) { log.line(line, at: now) }
  }

  func take(_ event: CaptureEvent, at now: Instant) {
    if case .callOpened = event { capturedCalls += 1 }
    if logsCalls || event.isProblem { log.line(calls.line(for: event), at: now) }
  }

  /// Takes what the packets show.
  func take(_ news: LiveInspection.News, _ captures: CallCaptures?, at now: Instant) {
    switch news {
    case .ended(let call):
      findings?.count(call)
      if logsCalls { log.line("\(call) (Call-ID \(call.callID))", at: now) }
    case .finding(let finding):
      let line = findings?.line(for: finding) { captures?.place(of: UInt32(truncatingIfNeeded: $0.frame), $0.callID) }
      if let line, logsCalls || finding.severity == .error { log.line(line, at: now) }
    case .proven(let proof): self.proof = proof
    }
  }

  /// What is said in any case.
  private static func isProblem(_ event: EndpointEvent) -> Bool {
    guard case .party(let event) = event else { return false }
    switch event {
    case .listening, .malformed, .connectionFailed, .socketFailed, .acceptsAgain, .portsMissing: return true
    default: return false
    }
  }

  // MARK: - Standing

  private func standing(_ host: KallglotEndpoint, _ captures: CallCaptures?) -> [StatusFile.Call] {
    calls.book.live.map { entry in
      let report = host.mediaReport(of: entry.leg)
      return StatusFile.Call(
        entry: entry, sent: report.map { Int($0.packetsSent) } ?? 0, received: report.map { Int($0.packetsReceived) } ?? 0,
        capture: captures?.capture(of: entry.leg))
    }
  }

  func writeStatus(_ host: KallglotEndpoint, _ captures: CallCaptures?, at now: Instant) {
    guard
      let text = status?.text(standing(host, captures), accounts: host.accountLoads, legs: calls.book.lastNumber, judged: findings?.json)
    else { return }
    if let problem = status?.replace(with: text) { log.line(problem, at: now) }
  }

  func table(_ host: KallglotEndpoint, _ captures: CallCaptures?) -> [String] {
    CallTableText.lines(standing(host, captures), accounts: host.accountLoads, time: time)
  }

  /// What a run came to, in a few lines.
  /// - Parameter missed: packets that were not judged.
  func summary(at now: Instant, missed: Int) -> [String] {
    let totals = calls.book.totals
    let seconds = now.nanoseconds / 1_000_000_000
    let length = seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(seconds % 60) s"
    var lines = ["summary: calls \(totals.calls), answered \(totals.answered), in \(length)"]
    lines += totals.refusals.sorted { $0.key < $1.key }.map { "  refused: \($0.key): \($0.value)" }
    if let findings { lines += findings.summary(missed: missed) }
    lines += proof?.lines.map { "  \($0)" } ?? []
    if let folder { lines.append("  captures of calls: \(capturedCalls), in \(folder); log in \(folder)/serve.log") }
    return lines
  }
}
