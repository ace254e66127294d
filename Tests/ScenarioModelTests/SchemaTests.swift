import Foundation
import Testing

@testable import ScenarioModel
@testable import Serving

/// A schema as it was printed.
private struct Document {
  let object: [String: Any]

  init(_ text: String) throws { object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) }

  /// The object at a path of keys; of alternatives the one that is an object with properties.
  func properties(_ path: String...) -> Set<String> {
    var place: Any = object
    for key in path { place = (place as? [String: Any])?[key] ?? [:] }
    let map = place as? [String: Any] ?? [:]
    let alternatives = [map] + (map["anyOf"] as? [[String: Any]] ?? [])
    return Set(alternatives.compactMap { ($0["properties"] as? [String: Any])?.keys }.flatMap(\.self))
  }
}

@Suite struct SchemaTests {
  @Test func `the schema has the keys that the reader accepts, at the top and in every step`() throws {
    let schema = try Document(JSONSchema.scenario)
    #expect(schema.properties() == Set(ScenarioKeys.shape.names))
    #expect(schema.properties("$defs", "step") == Set(StepRegistry.kinds.map { $0.keyword }))
    for kind in StepRegistry.kinds {
      guard case .mapping(let mapping) = kind.shape else { continue }
      #expect(schema.properties("$defs", "step", "properties", kind.keyword) == Set(mapping.words), "\(kind.keyword)")
    }
    #expect(schema.properties("properties", "policy") == Set(PolicySchema.names))
    #expect(schema.properties("properties", "defaults") == Set(DefaultsKeys.shape.names))
    #expect(schema.properties("then", "properties", "cast", "additionalProperties") == Set(CastKeys.shape.names))
    let elements = NetworkKeys.shape.names + NATKeys.shape.names + FirewallKeys.shape.names
    #expect(schema.properties("then", "properties", "network", "items") == Set(elements))
    #expect(schema.properties("then", "properties", "given") == Set(GivenKeys.shape.names))
    #expect(schema.properties("$defs", "expectation").isSuperset(of: ExpectationRegistry.kinds.map { $0.key }))
    #expect(try Document(ServeConfiguration.schema).properties() == Set(PolicySchema.names + ServeKeys.all.map(\.description.name)))
  }

  @Test func `no mapping of the schema takes a key that it does not name`() throws {
    var mappings = 0
    func visit(_ value: Any, _ path: String) {
      if let object = value as? [String: Any] {
        // A mapping with names, not the part of one that a condition adds.
        if object["properties"] is [String: Any], object["type"] as? String == "object" {
          mappings += 1
          #expect(object["additionalProperties"] as? Bool == false, "\(path)")
        }
        for (key, child) in object { visit(child, "\(path).\(key)") }
      }
      for (index, child) in (value as? [Any] ?? []).enumerated() { visit(child, "\(path)[\(index)]") }
    }
    for text in [JSONSchema.scenario, ServeConfiguration.schema] { visit(try Document(text).object, "") }
    #expect(mappings > StepRegistry.kinds.count)
  }

  /// What the reader refuses as unknown, and what it takes, for each kind: the schema's keys are no list of their own.
  @Test func `the reader refuses what the schema does not name`() {
    for kind in StepRegistry.kinds {
      let text = "summary: s\ncast: { k: { endpoint: default, address: 192.0.2.1 } }\nsteps:\n  - \(kind.keyword): { nonsense-key: 1 }\n"
      let messages = ScenarioFile.read(text, file: "x.yaml").problems.map(\.message)
      // A step that is a path, not a mapping, has no place for a key.
      let sentence = kind.keyword == "include" ? "expected the path of a file" : "steps[1].\(kind.keyword)"
      #expect(
        messages.contains { $0.contains(sentence) && (kind.keyword == "include" || $0.contains("'nonsense-key'")) },
        "\(kind.keyword): \(messages)")
    }
  }

  @Test func `every reference in the schema leads somewhere, and every key has its description`() throws {
    for text in [JSONSchema.scenario, ServeConfiguration.schema] {
      let definitions = Set((try Document(text).object["$defs"] as? [String: Any] ?? [:]).keys)
      for match in text.matches(of: /"\$ref": "#\/\$defs\/([^"]+)"/) { #expect(definitions.contains(String(match.1)), "\(match.1)") }
    }
    for field in ScenarioKeys.shape.fields + CastKeys.shape.fields {
      #expect(JSONSchema.scenario.contains(field.summary.replacing("\"", with: "\\\"")))
    }
  }
}
