import LabBench
import SDP
import SIPMessage
import SansIO
import Testing

@testable import WireReader

/// A call as the messages of one side show it.
@Suite struct CallStoryTests {
  private let talk = Talk()
  private let offer = Talk.sdp(alice, 4_000)
  private let answer = Talk.sdp(bob, 5_000)

  /// Alice's packets as one of the two sides sees them.
  private func story(_ side: CallStory.Side, _ build: (inout Packets) -> Void) throws -> CallStory {
    var packets = Packets()
    build(&packets)
    let reader = PassiveReader(path: "tap")
    let own = side == .caller ? alice : bob
    var story: CallStory?
    for packet in try packets.captured {
      let now = Instant(nanoseconds: packet.timestamp)
      for case .message(let message, _, let repetition) in reader.take(packet) {
        let isSent = message.source.address == own
        if var known = story {
          _ = known.take(message, isSent: isSent, isCopy: repetition > 0, at: now)
          story = known
        } else {
          story = CallStory(message, isSent: isSent, at: now)
        }
      }
    }
    return try #require(story)
  }

  private func ring(_ packets: inout Packets) {
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
    packets.udp(bob, to: alice, talk.response("100 Trying", cseq: 1, "INVITE"))
    packets.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
  }

  private func answer(_ packets: inout Packets) {
    ring(&packets)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
  }

  @Test(arguments: [CallStory.Side.caller, .callee])
  func `180 rings, and neither 100 nor a copy does more (RFC 3261 §13.2.2.1)`(side: CallStory.Side) throws {
    let story = try story(side) { packets in
      ring(&packets)
      packets.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
    }
    #expect(story.state == .ringing && story.side == side && story.frame == 3)
    #expect(try self.story(side) { $0.udp(alice, to: bob, talk.request("INVITE", cseq: 1)) }.state == .placed)
  }

  @Test(arguments: [CallStory.Side.caller, .callee])
  func `2xx and ACK establish what offer and answer agreed on, as each side sees it (RFC 3264 §6)`(side: CallStory.Side) throws {
    let story = try story(side) { answer(&$0) }
    #expect(story.state == .established && story.frame == 4)
    #expect(story.agreement?.codec == .pcmu && story.agreement?.direction == .sendrecv)
    let (near, far) = side == .caller ? (alice, bob) : (bob, alice)
    #expect(story.agreement?.local.address == near && story.agreement?.remote.address == far)
  }

  @Test func `a 2xx without its ACK is not a session yet (RFC 3261 §13.2.2.4)`() throws {
    let story = try story(.callee) { packets in
      ring(&packets)
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
    }
    #expect(story.state == .ringing && story.agreement == nil)
  }

  @Test(arguments: [CallStory.Side.caller, .callee])
  func `whoever sends BYE hung up, the other was hung up on, when it is answered and when it comes (RFC 3261 §15.1)`(
    side: CallStory.Side
  ) throws {
    var story = try story(side) { packets in
      answer(&packets)
      packets.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true, extra: ["Reason: Q.850;cause=16"]))
    }
    #expect(story.end == (side == .caller ? nil : .hungUpByPeer))
    #expect(story.isLeaving == (side == .caller))
    #expect(story.reason == (side == .caller ? nil : "Q.850;cause=16"))
    story.close(at: Instant(nanoseconds: 1))
    #expect(story.end == (side == .caller ? .hungUpHere : .hungUpByPeer))
  }

  @Test func `a refusal with credentials to come is not the end, and is when none came within T2 (RFC 3261 §22.2)`() throws {
    func challenged(_ packets: inout Packets) {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
      packets.udp(bob, to: alice, talk.response("401 Unauthorized", cseq: 1, "INVITE"))
    }
    var alone = try story(.caller) { challenged(&$0) }
    let due = try #require(alone.nextDeadline)
    #expect(alone.state == .placed)
    alone.settle(at: due.advanced(by: .nanoseconds(-1)))
    #expect(alone.state == .placed)
    alone.settle(at: due)
    #expect(alone.end == .refused(status: 401))

    let again = try story(.caller) { packets in
      challenged(&packets)
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, sdp: offer))
      packets.udp(bob, to: alice, talk.response("403 Forbidden", cseq: 2, "INVITE"))
    }
    #expect(again.end == .refused(status: 403) && again.nextDeadline == nil)
    var turnedAway = try story(.callee) { challenged(&$0) }
    turnedAway.settle(at: due)
    #expect(turnedAway.end == .refused(status: 401) && turnedAway.isTurnedAway)
  }

  @Test(arguments: [(CallStory.Side.caller, CallEnd.cancelledHere), (.callee, .cancelledByPeer)])
  func `CANCEL ends a call by its 487, not by itself (RFC 3261 §9.1)`(side: CallStory.Side, end: CallEnd) throws {
    func cancelled(_ packets: inout Packets, answered: Bool) {
      ring(&packets)
      packets.udp(alice, to: bob, talk.request("CANCEL", cseq: 1, branch: "INVITE1"))
      if answered { packets.udp(bob, to: alice, talk.response("487 Request Terminated", cseq: 1, "INVITE")) }
    }
    #expect(try story(side) { cancelled(&$0, answered: true) }.end == end)
    #expect(try story(side) { cancelled(&$0, answered: false) }.end == nil)
  }

  @Test func `a hold is a new agreement, and c=0.0.0.0 takes nothing (RFC 3264 §8.4)`() throws {
    for (held, direction) in [(Talk.sdp(alice, 4_000, direction: "sendonly"), MediaDirection.sendonly), (zero, .sendonly)] {
      let story = try story(.caller) { packets in
        answer(&packets)
        packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: held))
        packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "INVITE", sdp: Talk.sdp(bob, 5_000, direction: "recvonly")))
        packets.udp(alice, to: bob, talk.request("ACK", cseq: 2, branch: "ack2", inDialog: true))
      }
      #expect(story.agreement?.direction == direction && story.reinvites == 1)
    }
  }

  private var zero: String { offer.replacing("c=IN IP4 \(alice)", with: "c=IN IP4 0.0.0.0") }

  @Test func `a refused re-INVITE leaves the agreement as it was (RFC 3261 §14.1)`() throws {
    let story = try story(.caller) { packets in
      answer(&packets)
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: Talk.sdp(alice, 4_000, direction: "inactive")))
      packets.udp(bob, to: alice, talk.response("488 Not Acceptable Here", cseq: 2, "INVITE"))
    }
    #expect(story.failedReinvite == CallStory.FailedReinvite(status: 488, phrase: "Not Acceptable Here"))
    #expect(story.agreement?.direction == .sendrecv && story.reinvites == 0 && story.state == .established)
  }

  @Test func `a BYE of the callee whose 2xx was never acknowledged says so (RFC 3261 §13.3.1.4)`() throws {
    let story = try story(.callee) { packets in
      ring(&packets)
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
      packets.wait(32_000)
      packets.udp(bob, to: alice, talk.request("BYE", cseq: 1, inDialog: true, fromBob: true))
      packets.udp(alice, to: bob, talk.response("200 OK", cseq: 1, "BYE", branch: "BYE1b", toBob: true))
    }
    #expect(story.end == .notAcknowledged)
  }

  @Test func `a BYE with another tag is of another dialog (RFC 3261 §12.2.2)`() throws {
    let stranger = Talk(bobTag: "other")
    let story = try story(.callee) { packets in
      answer(&packets)
      packets.udp(alice, to: bob, stranger.request("BYE", cseq: 2, inDialog: true))
    }
    #expect(story.state == .established)
  }

  @Test func `an answer in the ACK holds from its first copy on, whatever comes again (RFC 3261 §13.2.2.4)`() throws {
    let ack = talk.request("ACK", cseq: 1, branch: "ack", inDialog: true, sdp: Talk.sdp(alice, 4_000))
    let success = talk.response("200 OK", cseq: 1, "INVITE", sdp: answer)
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1))
    for packet in [success, ack, success, ack] {
      packets.udp(packet == ack ? alice : bob, to: packet == ack ? bob : alice, packet)
      packets.wait(1_000)
    }
    let reader = PassiveReader(path: "tap")
    for packet in try packets.captured { _ = reader.take(packet) }
    let conversation = try #require(reader.dialogs.conversations.first)
    let agreements = DialogStory(conversation, end: FrameStamp(frame: 5, time: 0)).agreements
    #expect(agreements.map(\.since.frame) == [3])
  }

  @Test func `an offer in the 2xx is answered in the ACK (RFC 3261 §13.2.2.4)`() throws {
    let story = try story(.callee) { packets in
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
      packets.udp(
        alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true, sdp: Talk.sdp(alice, 4_000, direction: "recvonly")))
    }
    #expect(story.state == .established && story.agreement?.direction == .sendonly)
  }
}
