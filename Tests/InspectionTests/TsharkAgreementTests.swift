import LabBench
import Foundation
import LabTesting
import SansIO
import ScenarioModel
import Testing

@testable import Inspection
@testable import WireReader
@testable import lab_foreign

/// Two independent readers of one file: what they say has to be the same.
@Suite(.enabled(if: Tshark.runs, Tshark.reason)) struct TsharkAgreementTests {
  private let folder = Folder()

  private func ours(_ report: InspectionReport) -> Set<Tshark.Stream> {
    func place(_ address: TransportAddress) -> String { "\(address.address) \(address.port)" }
    return Set(
      report.streams.map { stream in
        let statistics = stream.statistics
        return Tshark.Stream(
          source: place(stream.key.source), destination: place(stream.key.destination), ssrc: stream.key.ssrc, packets: statistics.packets,
          lost: statistics.lost, meanDelta: Words.decimal(statistics.meanDelta, 3), maximumDelta: Words.decimal(statistics.maximumDelta, 3),
          meanJitter: Words.decimal(statistics.meanJitter, 3), maximumJitter: Words.decimal(statistics.maximumJitter, 3))
      })
  }

  private func messages(_ report: InspectionReport) -> [String: Int] {
    var counts: [String: Int] = [:]
    for (method, count) in report.counts.requests { counts[method] = count }
    for (status, count) in report.counts.responses { counts["\(status)"] = count }
    return counts
  }

  private func compare(_ path: String) throws -> InspectionReport {
    let report = try Inspector().inspect(path: path)
    let theirs = try Tshark.read(path, folder: folder)
    if report.facts.deliberatelyBroken == 0 {
      // tshark gives a method even to what cannot be read, so that there only the sums are compared.
      let (mine, unreadable) = (messages(report), report.counts.unreadable)
      let isSame = unreadable == 0 ? mine == theirs.messages : mine.values.reduce(unreadable, +) == theirs.messages.values.reduce(0, +)
      #expect(isSame, "SIP in \(path): \(mine) and \(unreadable) unreadable, tshark \(theirs.messages)")
    }
    // tshark knows streams by their description alone; those that we recognise without one are no part of the comparison.
    let guessed = Set(report.streams.filter { !$0.isSignalled }.map(\.key.ssrc))
    let mine = ours(report).filter { !guessed.contains($0.ssrc) }
    #expect(mine == theirs.streams.filter { !guessed.contains($0.ssrc) }, "RTP in \(path)")
    // What we say of loss is Wireshark's number, unless the stream says why not.
    for stream in report.streams where stream.differences.isEmpty {
      #expect(stream.lost == max(stream.statistics.lost, 0), "loss of \(stream.key) in \(path)")
    }
    return report
  }

  /// One scenario in 40; all of them, which takes minutes, where `LAB_EVERY_CAPTURE` says so.
  private static func scenarios() throws -> [Scenario] {
    // What tshark 4.0 does not read: the second of two messages in one segment, a Status-Line that ends behind its code,
    // a message without Content-Length on a stream, TLS at another port than 5061, and a TLS record in segments of one byte.
    let beyond = [
      "basic/one-segment-two-messages", "personas/cucm-on-the-wire", "basic/bad-bytes-behind-a-request", "network/names-failover-tls",
      "tls/wire-one-byte-at-a-time",
    ]
    let all = try Library.scenarios.get().filter { scenario in
      !beyond.contains { scenario.name.hasPrefix($0) }
    }
    guard ProcessInfo.processInfo.environment["LAB_EVERY_CAPTURE"] == nil else { return all }
    let always = ["basic/answered-tls", "network/lossy-link", "faults/lost-200-tcp"]
    // By their names: another scenario in the library changes nothing for these.
    return all.filter { $0.name.utf8.reduce(0) { $0 &* 31 &+ Int($1) } % 40 == 0 || always.contains($0.name) }
  }

  @Test func `on captures of the scenario library: SIP by method and status, packets, loss, delta and jitter of each stream`() throws {
    try #require(Tshark.isInstalled, "tshark is required and not installed")
    var (messages, streams, opened) = (0, 0, 0)
    for scenario in try Self.scenarios() {
      let place = folder.file(scenario.name)
      _ = ScenarioSuite.run(scenario, folder: place)
      for file in try FileManager.default.contentsOfDirectory(atPath: place).sorted() where file.hasSuffix(".pcapng") {
        let report = try compare("\(place)/\(file)")
        messages += report.messageCount
        streams += report.streams.count
        opened += report.secured.reduce(0) { $0 + $1.openedBytes }
        // Whoever refuses a certificate has no secrets of the other's yet, and a NAT has none at all.
        guard scenario.cast.contains(where: { "\($0.name).pcapng" == file }) else { continue }
        #expect(report.secured.allSatisfy { $0.obstacle == nil || !$0.alerts.isEmpty }, "TLS in \(scenario.name) decrypts itself")
      }
    }
    #expect(messages > 300 && streams > 20 && opened > 1_000)
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `on streams with loss, reordering, copies, events, noise and wraps`(seed: UInt64) throws {
    try #require(Tshark.isInstalled, "tshark is required and not installed")
    let path = folder.write(rough(seed).file, to: "rough.pcapng")
    let report = try compare(path)
    #expect(report.streams.count == 2 && report.streams.contains { $0.statistics.lost != 0 && $0.order.late > 0 })
    #expect(report.streams.contains { $0.events > 0 })
  }

  /// A dialog with two streams whose packets suffer.
  private func rough(_ seed: UInt64) -> Packets {
    var generator = SeededGenerator(seed: seed).fork("rough")
    var packets = Packets()
    packets.establish()
    for (source, from, destination, port, ssrc) in [(alice, 10_000, bob, 20_000, 7), (bob, 20_000, alice, 10_000, 8)]
      as [(IPAddress, UInt16, IPAddress, UInt16, UInt32)]
    {
      var queue: [Bytes] = []
      for index in 0..<600 {
        let type: UInt8 = index % 100 > 95 ? 101 : index % 77 == 0 ? 13 : 0
        let timestamp = 0xFFFF_F000 &+ UInt32(index) * 160
        let packet = rtpPacket(type, UInt16(truncatingIfNeeded: 65_400 + index), timestamp, ssrc, marker: index % 100 == 96)
        if Int.random(in: 0..<100, using: &generator) >= 4 { queue.append(packet) }
        if Int.random(in: 0..<100, using: &generator) < 3 { queue.append(packet) }
        guard queue.count > 1 || index == 599 else { continue }
        if queue.count > 1, Int.random(in: 0..<100, using: &generator) < 10 { queue.swapAt(0, 1) }
        while let next = queue.first, queue.count > 1 || index == 599 {
          queue.removeFirst()
          packets.udp(source, from, to: destination, port, next)
          packets.wait(Int64.random(in: 0...35, using: &generator))
        }
      }
    }
    packets.hangUp()
    return packets
  }

  @Test func `a frame's number is Wireshark's, also behind blocks that are no packets (draft-ietf-opsawg-pcapng §4)`() throws {
    try #require(Tshark.isInstalled, "tshark is required and not installed")
    let vendor: [UInt8] = [0, 0, 4, 210, 1, 2, 3, 4]
    let others: [(type: UInt32, body: [UInt8])] = [
      (0xBAD, vendor), (0x4000_0BAD, vendor), (9, Array("__REALTIME_TIMESTAMP=1\n".utf8)), (0x77, vendor), (4, [0, 0, 0, 0]),
      (5, [UInt8](repeating: 0, count: 12)),
    ]
    var blocks: [(type: UInt32, body: [UInt8])] = []
    for (index, other) in others.enumerated() {
      let options = Talk(callID: "c\(index)").request("OPTIONS", cseq: 1)
      blocks += [RawFrames.packet(RawFrames.udp(5_060, 5_060, options.array)), other]
    }
    let path = folder.write(RawFrames.pcapng(blocks), to: "blocks.pcapng")
    let theirs = try Tshark.run("tshark", ["-r", path, "-n", "-Y", "sip", "-T", "fields", "-e", "frame.number"], folder: folder)
    let report = try Inspector(filter: "c").inspect(path: path)
    #expect(report.conversations.values.map(\.first.frame).sorted() == theirs.split(separator: "\n").compactMap { Int($0) })
    #expect(report.conversations.count == others.count)
  }

  @Test func `classic pcap says the same as the pcapng it was made of`() throws {
    try #require(Tshark.isInstalled, "tshark is required and not installed")
    let path = folder.write(rough(9).file, to: "original.pcapng")
    let classic = folder.file("classic.pcap")
    _ = try Tshark.run("editcap", ["-F", "nsecpcap", path, classic], folder: folder)
    let (first, second) = (try Inspector().inspect(path: path), try compare(classic))
    #expect(first.text().dropFirst() == second.text().dropFirst(), "all but the file's name")
    let micro = folder.file("micro.pcap")
    _ = try Tshark.run("editcap", ["-F", "pcap", path, micro], folder: folder)
    _ = try compare(micro)
  }

  @Test func `a snap length cuts packets, which is said and accuses nobody; RTP needs no more than its header`() throws {
    try #require(Tshark.isInstalled, "tshark is required and not installed")
    let path = folder.write(rough(3).file, to: "original.pcapng")
    let cut = folder.file("cut.pcap")
    _ = try Tshark.run("editcap", ["-F", "pcap", "-s", "96", path, cut], folder: folder)
    let report = try Inspector().inspect(path: cut)
    #expect(report.facts.cutFrames > 500 && report.counts.unreadable == 0)
    #expect(Set(report.accusations) == ["stream-quality"], "one packet in twenty-five is lost: \(report.findings)")
    let theirs = try Tshark.read(cut, options: ["-d", "udp.port==10000-20000,rtp"], folder: folder)
    #expect(ours(report) == theirs.streams)
  }

  @Test func `where loss is another number than tshark's, the stream names why, and the rest is the same`() throws {
    try #require(Tshark.isInstalled, "tshark is required and not installed")
    var packets = Packets()
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 60)
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 60, first: 9_000)
    for index in 0..<120 {
      for _ in 0..<(index % 10 == 0 ? 2 : 1) {
        packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8))
      }
      packets.wait(20)
    }
    packets.hangUp()
    let report = try compare(folder.write(packets.file, to: "restart.pcapng"))
    #expect(report.streams.map(\.differences) == [[.restart], [.duplicates]])
    #expect(report.streams.map(\.lost) == [0, 0] && report.streams.map(\.statistics.lost) == [8_939, -12])

    let twice = folder.write(packets.capturedTwice().file, to: "twice.pcapng")
    let (ours, theirs) = (try Inspector().inspect(path: twice), try Tshark.read(twice, folder: folder))
    #expect(ours.streams.map(\.differences) == [[.copiedFrames, .restart], [.copiedFrames, .duplicates]])
    for stream in ours.streams {
      let other = theirs.streams.first { $0.ssrc == stream.key.ssrc }
      #expect(other?.packets == stream.statistics.packets + stream.copiedFrames)
    }
  }
}
