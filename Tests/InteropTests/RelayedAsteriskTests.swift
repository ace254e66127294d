import Foundation
import Testing

extension Interop {
  /// A real Asterisk 22 in a namespace of its own, scenarios run live in another one, and between them the network of a file: what we count
  /// beside what tshark and Asterisk count, the mark after its Echo, and digits of both ways.
  @Suite(
    .enabled(if: Peer.asterisk.runs, Peer.asterisk.reason), .enabled(if: KernelNAT.reason == nil, "\(KernelNAT.reason ?? "")"))
  struct RelayedAsteriskTests {
    /// Per cent of packets lost and milliseconds of jitter, each way.
    struct Network: Sendable, CustomTestStringConvertible {
      var loss: Int
      var jitter: Int
      var testDescription: String { "\(loss) %, \(jitter) ms" }
    }

    private struct Run {
      var folder: String
      var status: Int32
      var output: String

      func read(_ name: String) -> String { (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? "" }
      var everything: String { "\(output)\n\(read("run.log"))\n\(read("relay.log"))" }
    }

    private func run(_ scenario: String, _ network: Network, _ check: (Run) throws -> Void) throws {
      // Void is a run for which this machine was too busy: once more, then.
      for attempt in 1...2 where try runOnce(scenario, network, isLast: attempt == 2, check) { return }
    }

    /// - Returns: whether it was worth a verdict.
    private func runOnce(_ scenario: String, _ network: Network, isLast: Bool, _ check: (Run) throws -> Void) throws -> Bool {
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let script = "\(Place.root)/fixtures/relay/relayed-asterisk.sh"
      let done = KernelNAT.shell(
        "bash \(script) \(Place.lab) \(folder) \(AsteriskRoot.folder) \(network.loss) \(network.jitter) "
          + "\(Place.root)/fixtures/\(scenario)")
      if done.status == 3, !isLast { return false }
      try check(Run(folder: folder, status: done.status, output: done.output))
      return true
    }

    @Test(arguments: [Network(loss: 1, jitter: 20)])
    func `the mark comes back from Asterisk's Echo, transcoded from Opus to G.711 and back, and our figures are tshark's and Asterisk's`(
      network: Network
    ) throws {
      try run("relay/transcodes.yaml", network) { run in
        #expect(run.status == 0, "\(run.everything)")
        try compare(run, network)
      }
    }

    /// A fifth is lost each way, a third of what comes back: Opus that Asterisk transcodes is silence then, G.711 is not.
    @Test(arguments: [Network(loss: 0, jitter: 100), Network(loss: 20, jitter: 0)])
    func `in G.711 as well, with a jitter of 100 ms, and where a fifth is lost each way`(network: Network) throws {
      try run("relay/echoes.yaml", network) { run in
        #expect(run.status == 0, "\(run.everything)")
        try compare(run, network)
      }
    }

    @Test func `its Milliwatt is heard where a packet in twenty is lost`() throws {
      try run("relay/milliwatt.yaml", Network(loss: 5, jitter: 20)) { run in #expect(run.status == 0, "\(run.everything)") }
    }

    @Test func `what it plays is heard as sound of nobody's mark, and the call ends behind it, where a packet in twenty is lost`() throws {
      try run("relay/plays.yaml", Network(loss: 5, jitter: 20)) { run in
        #expect(run.status == 0, "\(run.everything)")
        #expect(run.read("asterisk.log").contains("Playing 'hello-world"), "\(run.read("asterisk.log").suffix(2_000))")
      }
    }

    @Test func `digits go both ways once each where a packet in twenty is lost (DTMF-01, DTMF-03, RFC 4733 §2.5.1.4)`() throws {
      try run("relay/presses.yaml", Network(loss: 5, jitter: 20)) { run in
        #expect(run.status == 0, "\(run.everything)")
        #expect(run.read("asterisk.log").contains("digits read 27*0"), "\(run.read("asterisk.log").suffix(2_000))")
      }
    }

    // MARK: - Figures

    private func compare(_ run: Run, _ network: Network) throws {
      let capture = try #require(
        FileManager.default.subpathsOfDirectory(atPath: "\(run.folder)/out").first { $0.hasSuffix("/kallglot.pcapng") })
      let ours = try streams(run, capture)
      #expect(ours.count == 2, "\(ours)")
      let shark = KernelNAT.shell("\(try Peer.tshark.required()) -r '\(run.folder)/out/\(capture)' -q -z rtp,streams")
      let theirs = shark.output.split(separator: "\n").compactMap(Self.streamOfTshark)
      // tshark counts up to the packet that came last, which another one may have overtaken.
      let overtaken = theirs.filter { $0.lost < 0 }.map(\.source)
      #expect(overtaken.isEmpty || network.jitter > 0)
      func compared(_ all: [Figures]) -> Set<Figures> { Set(all.filter { !overtaken.contains($0.source) }) }
      #expect(compared(ours) == compared(theirs), "\(shark.output)")
      // Asterisk, which heard us, and passes on what is missing, and what we heard of it.
      let heard = try #require(ours.first { $0.source.hasPrefix("10.0.0.20:") })
      let both = 100 - (100 - network.loss) * (100 - network.loss) / 100
      #expect([network.loss, both].contains { Self.isShare(heard.lost, of: heard.packets + heard.lost, $0) }, "\(ours)")
      let line = run.read("stats.txt").split(separator: "\n").first { $0.contains("kallglot-") }
      let words = try #require(line, "\(run.everything)").split(separator: " ").map(String.init)
      let codec = try #require(words.firstIndex { $0 == "opus" || $0 == "ulaw" }, "\(words)")
      let (count, lost) = (try #require(Int(words[codec + 1])), try #require(Int(words[codec + 2])))
      #expect(count > 100 && Self.isShare(lost, of: count + lost, network.loss), "\(words)")
    }

    private struct Figures: Hashable {
      var source: String
      var packets: Int
      var lost: Int
    }

    private func streams(_ run: Run, _ capture: String) throws -> [Figures] {
      let report = KernelNAT.shell("'\(Place.lab)' inspect --json '\(run.folder)/out/\(capture)'")
      let json = try #require(JSONSerialization.jsonObject(with: Data(report.output.utf8)) as? [String: Any], "\(report.output)")
      let streams = try #require((json["files"] as? [[String: Any]])?.first?["streams"] as? [[String: Any]], "\(json.keys)")
      return try streams.map { stream in
        Figures(
          source: try #require(stream["source"] as? String), packets: try #require(stream["packets"] as? Int),
          lost: try #require(stream["lost"] as? Int))
      }
    }

    /// A line of `-z rtp,streams`: begin, end, source, port, destination, port, SSRC, payload, packets, lost (per cent), …
    private static func streamOfTshark(_ line: Substring) -> Figures? {
      let words = line.split(separator: " ").map(String.init)
      guard words.count > 10, Double(words[0]) != nil, let ssrc = words.firstIndex(where: { $0.hasPrefix("0x") }), ssrc >= 6,
        let lost = words.firstIndex(where: { $0.hasPrefix("(") }), let packets = Int(words[lost - 2]), let number = Int(words[lost - 1])
      else { return nil }
      return Figures(source: "\(words[2]):\(words[3])", packets: packets, lost: number)
    }

    /// Within five standard deviations, and what a report misses at an end.
    private static func isShare(_ lost: Int, of all: Int, _ percent: Int) -> Bool {
      let wide = 5 * (Double(all * percent * (100 - percent)) / 10_000).squareRoot() + 3
      return abs(Double(lost) - Double(all * percent) / 100) <= wide
    }
  }
}
