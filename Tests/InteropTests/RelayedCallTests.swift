import Foundation
import Testing

extension Interop {
  /// baresip 1.0.0 in a namespace of its own, `serve` in another one, and between them TUN devices and the network of a file.
  @Suite(
    .enabled(if: Peer.baresip.runs, Peer.baresip.reason),
    .enabled(if: KernelNAT.reason == nil, "\(KernelNAT.reason ?? "")"))
  struct RelayedCallTests {
    /// Per cent of packets lost each way; what the gateway before baresip does.
    @Test(arguments: [(0, ""), (1, ""), (5, ""), (20, ""), (0, "well"), (1, "keeps-contact")])
    func `baresip registers, calls and is heard through the relay, whatever it loses`(loss: Int, gateway: String) throws {
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let done = KernelNAT.shell("bash \(Place.root)/fixtures/relay/relayed-call.sh \(Place.lab) \(folder) \(loss) \(gateway)")
      func read(_ name: String) -> String { (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? "" }
      #expect(done.status == 0, "\(done.output) \(read("relay.log")) \(read("serve.log"))")
      let served = read("serve.log")
      #expect(served.contains("tone of 600 Hz detected") && served.contains("heard 600 Hz"), "\(served)")
      let source = gateway.isEmpty ? "10.0.0.20" : "203.0.113.7"
      #expect(served.contains("RTP from \(source):"), "\(served)")

      let words = read("relay.log").split(separator: "\n").last?.split(separator: " ").map(String.init) ?? []
      let counts = words.compactMap { Int($0) }
      let (all, lost) = (try #require(counts.first), try #require(counts.dropFirst(2).first))
      #expect(all > 200)
      #expect(Double(abs(lost * 100 - loss * all)) <= 5 * (Double(loss * (100 - loss) * all)).squareRoot() + 1, "\(words)")
      for capture in (try FileManager.default.contentsOfDirectory(atPath: "\(folder)/captures")).filter({ $0.hasSuffix(".pcapng") }) {
        #expect(KernelNAT.shell("\(Place.lab) inspect \(folder)/captures/\(capture)").status != 2, "\(capture)")
      }
    }

    /// Two 200s and the first ACK of one are lost, and a second of what baresip says; an INFO never comes.
    @Test func `faults hold between real peers: retransmissions bring the call up, and the relay says what each struck`() throws {
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let faults = [
        "drop: the first 2 200 INVITE, from: FAR", "drop: the 1st ACK of the 200, from: NEAR", "drop: the 50th to 99th RTP, from: NEAR",
        "drop: the 1st INFO",
      ]
      let words = faults.map { "'\($0)'" }.joined(separator: " ")
      let done = KernelNAT.shell("bash \(Place.root)/fixtures/relay/relayed-call.sh \(Place.lab) \(folder) 0 '' \(words)")
      func read(_ name: String) -> String { (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? "" }
      #expect(done.status == 0, "\(done.output) \(read("relay.log")) \(read("serve.log"))")
      #expect(read("serve.log").contains("50 lost"), "\(read("serve.log"))")
      let relayed = read("relay.log")
      for struck in ["struck 2 of ", "struck 1 of ", "struck 50 of ", "the 1st INFO': met nothing"] {
        #expect(relayed.contains(struck), "\(relayed)")
      }
      #expect(relayed.contains("53 lost"), "nothing else is lost: \(relayed)")
    }
  }
}
