import Foundation
import ScenarioEngine
import ScenarioModel

/// Thirty seconds of SRTP both ways over TLS, as a scenario: judged, watched by every observer of the policy, captured, and its clear twins
/// written. One thread does it all, so its time of the processor is the time of one core.
enum SecureMediaBench {
  static func run() throws -> [Row] {
    try ["off", "require", "dtls"].map { srtp in
      let scenario = try Scenario.read(text(srtp), file: "secure-media.yaml")
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-secure-\(getpid())").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      var result: ScenarioResult?
      let seconds = (0..<3).map { _ in Stopwatch.processor { result = VirtualRun.run(scenario, seed: 1, folder: folder) } }.min() ?? 0
      precondition(result?.verdict == .passed, "\(result?.reason ?? "no result")")
      return Row(
        name: "virtual 30-s call both ways over TLS, observed, twins, srtp: \(srtp)", value: 30 / seconds, unit: "× real time",
        bar: srtp == "off" ? nil : 300)
    }
  }

  private static func text(_ srtp: String) -> String {
    """
    summary: Both sides speak for half a minute.
    proves: [SRTP-01]
    policy: { transports: [tls], requireTLS: true, requireSRTP: \(srtp != "off"), sdesOverClear: refuse, codecs: [PCMA] }
    given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme, transport: tls, srtp: \(srtp) }
    never:
      - { plaintext: \(srtp == "off" ? "SDES key" : "RTP") }
      - { plaintext: password }
    steps:
      - call: { from: pbx, to: session demo, as: leg }
      - expect: { leg: leg, is: established, within: 2 s }
      - speak: { who: pbx, tone: 440 Hz, for: 30 s }
      - speak: { who: kallglot, tone: 880 Hz, for: 30 s }
      - expect: { hears: kallglot, tone: 440 Hz, within: 2 s }
      - expect: { hears: pbx, tone: 880 Hz, within: 2 s }
      - wait: 30 s
      - hangUp: pbx
      - expect: { leg: leg, is: ended, because: hang-up, within: 2 s }
    """
  }
}
