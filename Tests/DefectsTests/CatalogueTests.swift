import Rules
import Testing

@testable import Defects

@Suite struct CatalogueTests {
  @Test func `there are more than a hundred defects, each with a name, a sentence, a source and the rules that it breaks`() {
    #expect(DefectCatalogue.all.count >= 100)
    #expect(Set(DefectCatalogue.names).count == DefectCatalogue.all.count)
    for defect in DefectCatalogue.all {
      #expect(defect.name.wholeMatch(of: #/[a-z0-9]+(-[a-z0-9]+)*/#) != nil, "\(defect.name)")
      #expect(defect.summary.hasSuffix("."), "\(defect.name)")
      #expect(!defect.source.isEmpty && !defect.roles.isEmpty && !defect.reason.rules.isEmpty, "\(defect.name)")
    }
  }

  @Test func `a rule is an id of the registry or a section, so that a finding can be compared with it`() {
    for defect in DefectCatalogue.all {
      for rule in defect.reason.rules {
        let isID = RuleRegistry.ids.contains(rule)
        let isCheck = rule.wholeMatch(of: #/[A-Z]+-[0-9]{2}/#) != nil
        let isSection = rule.wholeMatch(of: #/(RFC [0-9]+ §[0-9A-Z.]+|ITU-T G\.[0-9]+|contract [0-9.]+)/#) != nil
        #expect(isID || isCheck || isSection, "\(defect.name): \(rule)")
      }
    }
  }
}
