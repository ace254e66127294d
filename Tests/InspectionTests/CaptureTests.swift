import LabBench
import Capture
import Foundation
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// Files as people have them: cut, damaged, none at all.
@Suite struct CaptureFileTests {
  private var small: Packets {
    var packets = Packets()
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 3)
    packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 999)
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 1_000, Talk(callID: "tcp").request("OPTIONS", cseq: 1))
    packets.hangUp()
    return packets
  }

  @Test func `a file cut at any byte is read as far as it goes, and says so`() throws {
    let whole = small.file
    let frames = try Inspector().inspect(whole).frameCount
    var seen = 0
    for count in 0..<whole.count {
      guard let report = try? Inspector().inspect(whole[0..<count]) else {
        #expect(count < 12, "only what is no capture yet is refused")
        continue
      }
      #expect(report.frameCount >= seen && report.frameCount <= frames)
      seen = report.frameCount
      #expect(!report.text().isEmpty)
    }
    #expect(seen == frames)
    let cut = try Inspector().inspect(whole[0..<whole.count - 200])
    #expect(cut.problem != nil && cut.text().contains { $0.contains("What comes before it was read") })
  }

  @Test func `a byte changed anywhere harms nobody`() throws {
    let whole = small.file.array
    for position in stride(from: 0, to: whole.count, by: 2) {
      for change in [position % 4 == 0 ? 0xFF : 0x01] as [UInt8] {
        var damaged = whole
        damaged[position] ^= change
        if let report = try? Inspector().inspect(Bytes(damaged)) { #expect(!InspectionReport.json([report]).isEmpty) }
      }
    }
  }

  @Test func `what is no capture is an error`() {
    #expect(throws: CaptureReadError(.notACapture, at: 0)) { try Inspector().inspect("no capture at all") }
    #expect(throws: CaptureReadError(.foreign(.empty), at: 0)) { try Inspector().inspect(Bytes()) }
    let error = #expect(throws: CaptureReadError.self) { try Inspector().inspect(path: "/nowhere/at.all") }
    guard case .unreadable(let failure)? = error?.rule else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(failure.description.contains("/nowhere/at.all"))
  }

  @Test func `JSON is one versioned document that reads back, with frames as numbers`() throws {
    let text = InspectionReport.json([try small.report(), try small.report()])
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let files = try #require(object["files"] as? [[String: Any]])
    #expect(object["version"] as? Int == 1 && files.count == 2)
    let dialog = try #require((files[0]["dialogs"] as? [[String: Any]])?.first)
    let outcome = try #require(dialog["outcome"] as? [String: Any])
    #expect(outcome["kind"] as? String == "hung-up" && outcome["by"] as? String == "caller")
    #expect((dialog["messages"] as? [[String: Any]])?.map { $0["frame"] as? Int } == [1, 2, 3, 4, 10, 11])
    #expect((files[0]["streams"] as? [[String: Any]])?.first?["packets"] as? Int == 3)
  }

  @Test func `a filter leaves the dialogs of its Call-ID alone`() throws {
    var packets = Packets()
    packets.establish(Talk(callID: "one"))
    packets.establish(Talk(callID: "two"))
    let lines = try packets.report().text(.init(filter: "two"))
    #expect(lines.contains { $0.hasPrefix("Dialog 1  two") } && !lines.contains { $0.contains("  one  ") })
  }

  @Test func `lines keep to their width and terminals are safe from what a peer writes`() throws {
    var packets = Packets()
    let talk = Talk()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "x", sdp: Talk.sdp(alice, 10_000)))
    packets.udp(
      bob, to: alice,
      talk.response("486 \u{1B}[2JBusy \u{7}\u{0}\u{9B} " + String(repeating: "very ", count: 40), cseq: 1, "INVITE", branch: "x"))
    for width in [100, 140] {
      let lines = try packets.report().text(.init(width: width))
      #expect(lines.allSatisfy { !$0.unicodeScalars.contains { $0.value < 32 || (127...159).contains($0.value) } })
      #expect(lines.filter { $0.contains("|") }.allSatisfy { $0.count <= width })
    }
  }

  @Test func `the ladder draws each message between its hosts, and many hosts as lines`() throws {
    let lines = try small.report().text(.init(width: 100))
    let invite = try #require(lines.first { $0.contains("INVITE (SDP)") })
    #expect(invite.contains("#1 ") && invite.contains("|-") && invite.hasSuffix(">|"))
    #expect(lines.contains { $0.contains("|<") && $0.contains("180 Ringing") && $0.hasSuffix("-|") })
    var packets = Packets()
    for host in 1...8 as ClosedRange<UInt32> {
      packets.udp(IPAddress(v4: 0xC000_0200 + host), to: bob, Talk().request("INVITE", cseq: Int(host)))
    }
    #expect(try packets.report().text().contains { $0.contains("192.0.2.8 -> 198.51.100.20  INVITE") })
  }
}
